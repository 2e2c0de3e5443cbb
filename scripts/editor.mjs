// Opens VS Code with the extension of this folder: the desktop build where there is one, else the browser host.
//   npm run editor              a copy of the sample files in examples/
//   npm run editor -- FOLDER    a folder of yours
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { installHost } from '../test/e2e/host/install.mjs';
import { startServer } from '../test/e2e/host/server.mjs';
import { openBrowser, workbenchUrl } from '../test/e2e/host/workbench.mjs';
import { sampleWindow } from './sampleWindow.mjs';

const root = dirname(import.meta.dirname);
const given = process.argv[2];
if (given !== undefined && !(existsSync(given) && statSync(given).isDirectory())) {
  console.error(`Expected a folder to open, got ${given}, which is none.`);
  process.exit(2);
}
const window = sampleWindow(root);
const folder = given === undefined ? window.folder : resolve(given);
try {
  const desktop = hasDisplay() ? findDesktop() : undefined;
  if (desktop !== undefined) openDesktop(desktop);
  else await openInBrowser();
} finally {
  window.remove();
}
process.exit();

/** The desktop build that VSCODE_EXECUTABLE_PATH names, or `code` on the PATH. */
function findDesktop() {
  const named = process.env['VSCODE_EXECUTABLE_PATH'];
  if (named) return named;
  const name = process.platform === 'win32' ? 'code.cmd' : 'code';
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((place) => join(place, name))
    .find((path) => existsSync(path));
}

function openDesktop(/** @type {string} */ executable) {
  console.log(`Opening ${folder} in ${executable}.`);
  const args = [`--extensionDevelopmentPath=${root}`, '--new-window', '--wait', folder];
  const { status, error } = spawnSync(executable, args, {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  process.exitCode = status ?? 1;
}

/** With a display in a window of its own; without one the address is for a browser that can reach it. */
async function openInBrowser() {
  installHost();
  const server = await startServer(window);
  const stopped = new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  try {
    const url = workbenchUrl(server.url, {
      folder,
      extensionDevelopmentPaths: [root],
      extensionTestsPath: undefined,
    });
    console.log(`VS Code with Parafill is at\n\n  ${url}\n\nCtrl+C ends it.`);
    const ends = [stopped, server.died.then((reason) => console.error(`VS Code ended: ${reason}`))];
    if (hasDisplay()) {
      const { browser, page } = await openBrowser({ headless: false });
      await page.goto(url);
      ends.push(new Promise((resolve) => page.once('close', () => resolve(browser.close()))));
    }
    await Promise.race(ends);
  } finally {
    await server.stop();
  }
}

function hasDisplay() {
  return process.platform !== 'linux' || Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']);
}
