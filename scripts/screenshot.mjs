// Takes the README's pictures of the real thing: VS Code in Chromium, the shipped model, real keystrokes.
//   npm run screenshot
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installHost } from '../test/e2e/host/install.mjs';
import { startServer } from '../test/e2e/host/server.mjs';
import { openBrowser, workbenchUrl } from '../test/e2e/host/workbench.mjs';
import { sampleWindow } from './sampleWindow.mjs';

const root = dirname(import.meta.dirname);
const pictures = join(root, 'media');
const size = { width: 900, height: 506 };

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
} finally {
  await browser.close();
  await server.stop();
  window.remove();
}
process.exit();

/** A line that is begun, and what the model makes of it. */
async function ghostText() {
  await openFile('vector.ts');
  await page.keyboard.press('Control+End');
  await page.keyboard.type('export function divide(left: Vector, right: Vector): Vector {', { delay: 15 });
  await page.keyboard.press('Enter');
  await page.keyboard.type('return { x: left.x', { delay: 60 });
  await page.locator('[class*="ghost-text-decoration"]').first().waitFor({ timeout: 60_000 });
  await take('ghost-text');
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
