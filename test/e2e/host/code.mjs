#!/usr/bin/env node
// Stands in for the desktop `code`: takes its arguments, runs the same VS Code in Chromium. Given to
// @vscode/test-electron as `vscodeExecutablePath` it runs the extension tests and exits with their code.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from './arguments.mjs';
import { startBridge } from './bridge.mjs';
import { installHost } from './install.mjs';
import { say } from './log.mjs';
import { installExtension, startServer } from './server.mjs';
import { openBrowser, workbenchUrl } from './workbench.mjs';

/** Longest time the whole suite may take; a hanging page must not hang CI. */
const limitMs = Number(process.env['PARAFILL_E2E_LIMIT_MS'] ?? 15 * 60_000);

/** Lines the workbench writes about itself; a person who reads test results wants none of them. */
const ownChatter =
  /^(Resolv|Creat(ing|ion) |Updating additional|Timed out waiting|Extension host .* is (un)?responsive|\[(remote-connection|reconnection|AccountPolicy|AgentHost|Service Worker))/;

const given = parseArguments(process.argv.slice(2));
const scratch = mkdtempSync(join(tmpdir(), 'parafill-host-'));
const folders = {
  userDataDir: given.userDataDir ?? join(scratch, 'user'),
  extensionsDir: given.extensionsDir ?? join(scratch, 'extensions'),
};
mkdirSync(folders.extensionsDir, { recursive: true });

/** @type {Array<() => unknown>} */
const cleanUp = [() => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })];

try {
  installHost();
  for (const vsix of given.installExtensions) await installExtension(folders, vsix);
  const onlyInstalls = given.installExtensions.length > 0 && given.folder === undefined;
  process.exitCode = onlyInstalls && given.extensionTestsPath === undefined ? 0 : await show();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  for (const step of cleanUp.reverse()) await step();
}
process.exit();

/** Opens the workbench and resolves to the exit code of the tests, or to 0 when the person closes the page. */
async function show() {
  const forTests = given.extensionTestsPath !== undefined;
  const { browser, page } = await openBrowser({ headless: forTests });
  cleanUp.push(() => browser.close());
  if (forTests) {
    // The extension host inherits our environment through the server, so the bridge comes first.
    const bridge = await startBridge(page);
    cleanUp.push(bridge.stop);
    process.env['PARAFILL_E2E_BRIDGE'] = bridge.url;
  }
  const server = await startServer({ ...folders, workspaceTrust: given.workspaceTrust });
  cleanUp.push(server.stop);

  /** @type {(code: number) => void} */
  let exit = () => undefined;
  await page.exposeFunction('codeAutomationLog', logFromPage);
  await page.exposeFunction('codeAutomationExit', (/** @type {number} */ code) => exit(code));
  /** @type {Promise<number>} */
  const finished = new Promise((resolve, reject) => {
    exit = resolve;
    page.once('close', () => resolve(forTests ? 1 : 0));
    page.once('crash', () => reject(new Error('The page crashed.')));
    void server.died.then((reason) => reject(new Error(`The VS Code server ended: ${reason}`)));
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
      process.once(signal, () => reject(new Error(`Stopped by ${signal}.`)));
    if (forTests)
      setTimeout(() => reject(new Error(`The tests took longer than ${limitMs} ms.`)), limitMs).unref();
  });
  await page.goto(workbenchUrl(server.url, given), { timeout: 120_000 });
  return finished;
}

/** What the extension host's console and mocha print, which is informational; the workbench warns a lot. */
function logFromPage(/** @type {string} */ type, /** @type {unknown[]} */ args) {
  const line = format(args.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))));
  if (type !== 'error' && type !== 'warn' && !ownChatter.test(line)) console.log(line);
  else if (process.env['PARAFILL_E2E_VERBOSE']) console.error(`(${type}) ${line}`);
}

/** mocha formats with placeholders, and the page gets them as they are. */
function format(/** @type {string[]} */ [first = '', ...rest]) {
  const used = first.replace(/%[sdif]/g, () => rest.shift() ?? '').replaceAll('%%', '%');
  return [used, ...rest].join(' ');
}
