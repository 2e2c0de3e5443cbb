// Uses VS Code in a page as a person does: keys, the command palette, what is on the screen.
import { readGhostText } from '../test/e2e/host/bridge.mjs';

/** How long the editor may take for what a person sees at once. */
const PATIENCE_MS = 60_000;
const TRY_MS = 10_000;

/** @typedef {import('playwright-core').Page} Page */

/**
 * Opens a file of the workspace by its name.
 * @param {Page} page
 * @param {string} name
 */
export async function openFile(page, name) {
  await pick(page, 'Control+P', name, name);
  await page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  await page.locator('.editor-instance .view-lines').first().waitFor();
}

/**
 * Runs a command of the palette.
 * @param {Page} page
 * @param {string} title
 */
export async function runCommand(page, title) {
  await pick(page, 'F1', `>${title}`, title);
}

/**
 * The list shows what was used last before it shows what fits, so Enter has to wait for the right first row. A key
 * that comes while the focus moves goes nowhere, and is pressed again.
 * @param {Page} page
 * @param {string} key
 * @param {string} typed
 * @param {string} label
 */
async function pick(page, key, typed, label) {
  const first = '.quick-input-list .monaco-list-row[data-index="0"] .quick-input-list-label';
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      await page.keyboard.press(key);
      await page.locator('.quick-input-widget input').fill(typed, { timeout: TRY_MS });
      await page.locator(first, { hasText: label }).first().waitFor({ timeout: TRY_MS });
      break;
    } catch (error) {
      if (Date.now() > end) throw error;
      await page.keyboard.press('Escape');
    }
  }
  await page.keyboard.press('Enter');
  await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
}

/**
 * What is suggested, once it has words and stands still; empty when nothing comes in time.
 * @param {Page} page
 * @param {number} timeoutMs
 */
export async function ghostText(page, timeoutMs) {
  const end = Date.now() + timeoutMs;
  let last = '';
  while (Date.now() < end) {
    const { inline, below } = await page.evaluate(readGhostText);
    const ghost = [inline, ...below].join('\n');
    if (/\w/.test(ghost) && ghost === last) return ghost;
    last = ghost;
    await page.waitForTimeout(100);
  }
  return '';
}

/**
 * Waits until no notification is on the screen.
 * @param {Page} page
 */
export async function notificationsGone(page) {
  await page.locator('.notification-toast').waitFor({ state: 'detached', timeout: PATIENCE_MS });
}
