// Takes the README's pictures of the real thing: VS Code in Chromium, the shipped model, real keystrokes.
//   npm run screenshot
import { cpSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installHost } from '../test/e2e/host/install.mjs';
import { startServer } from '../test/e2e/host/server.mjs';
import { openBrowser, workbenchUrl } from '../test/e2e/host/workbench.mjs';
import { sampleWindow } from './sampleWindow.mjs';

const root = dirname(import.meta.dirname);
const pictures = join(root, 'media');
const size = { width: 900, height: 506 };

/**
 * Beginnings of lines, the most telling first. The first one that the model has something to say about is the
 * picture; which that is depends on the model that is shipped.
 */
const beginnings = [
  'export function divide(left: Vector, right: Vector): Vector {\nreturn ',
  'export function divide(left: Vector, right: Vector): Vector {\nreturn { x: left.x ',
  'export function divide(left: Vector, ',
  'export function dot(left: Vector, right: Vector): number {\nreturn left.x ',
  'export function isZero(value: Vector): boolean {\nreturn value.x ',
];

installHost();
mkdirSync(pictures, { recursive: true });
const window = sampleWindow(root, {
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.activityBar.location': 'hidden',
  'workbench.statusBar.visible': true,
  'workbench.layoutControl.enabled': false,
  'window.commandCenter': false,
  'breadcrumbs.enabled': false,
  'editor.fontFamily': "'DejaVu Sans Mono', monospace",
  'editor.fontSize': 14,
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
  'editor.lightbulb.enabled': 'off',
  'editor.renderLineHighlight': 'none',
  'editor.occurrencesHighlight': 'off',
  'editor.stickyScroll.enabled': false,
  'typescript.validate.enable': false,
});
cpSync(join(root, 'test/fixtures/workspace/src/vector.ts'), join(window.folder, 'vector.ts'));
const server = await startServer(window);
const { browser, page } = await openBrowser({ headless: true, ...size, scale: 2 });
try {
  const url = workbenchUrl(server.url, {
    folder: window.folder,
    extensionDevelopmentPaths: [root],
    extensionTestsPath: undefined,
  });
  await page.goto(url, { timeout: 120_000 });
  await page.locator('.monaco-workbench').waitFor({ timeout: 120_000 });
  await ghostText();
  await holes();
} catch (error) {
  const path = join(tmpdir(), 'parafill-screenshot-failed.png');
  await page.screenshot({ path });
  console.error(`${error instanceof Error ? error.message : error}\nWhat the window showed is in ${path}.`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop();
  window.remove();
}
process.exit();

async function ghostText() {
  const file = 'vector.ts';
  await openFile(file);
  for (const beginning of beginnings) {
    await page.keyboard.press('Control+End');
    await page.keyboard.press('Enter');
    await page.keyboard.type(beginning, { delay: 40 });
    if (await ghostAppears()) return take('ghost-text');
    // Back to the file as it was, for the next attempt.
    await command('File: Revert File');
    await page.locator(`.tab.active:not(.dirty)[data-resource-name="${file}"]`).waitFor();
  }
  throw new Error('The model has nothing to offer in any of the scenes.');
}

/** Whether words, and not only blanks, are suggested; asks by hand as well, as the model may still be loading. */
async function ghostAppears() {
  const ghost = page.locator('[class*="ghost-text-decoration"]', { hasText: /\w/ }).first();
  for (let attempt = 0; attempt < 4; attempt++) {
    try {
      await ghost.waitFor({ timeout: 4_000 });
      return true;
    } catch {
      await page.keyboard.press('Alt+\\');
    }
  }
  return false;
}

/** The holes of the sample file, before and after. */
async function holes() {
  await openFile('sample.ts');
  await take('holes-before');
  await command('Parafill: Fill All Holes');
  await page.locator('.view-lines', { hasText: '⟦' }).waitFor({ state: 'detached', timeout: 60_000 });
  await page.locator('.notification-toast').waitFor({ state: 'detached', timeout: 60_000 });
  await take('holes-after');
}

async function openFile(/** @type {string} */ name) {
  await page.keyboard.press('Control+P');
  await page.locator('.quick-input-widget input').fill(name);
  await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
  await page.keyboard.press('Enter');
  await page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  await page.locator('.editor-instance .view-lines').first().waitFor();
}

async function command(/** @type {string} */ title) {
  await page.keyboard.press('F1');
  await page.locator('.quick-input-widget input').fill(`>${title}`);
  await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
  await page.keyboard.press('Enter');
}

async function take(/** @type {string} */ name) {
  const path = join(pictures, `${name}.png`);
  await page.screenshot({ path, animations: 'disabled', caret: 'initial' });
  console.log(path);
}
