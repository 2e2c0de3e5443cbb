// Another window on the folder of the tests, used as a person uses it.
import { openFile, runCommand } from '../../../scripts/editorPage.mjs';

/**
 * Fills the holes of a file in a window of its own, saves the file and closes the window.
 * @param {import('playwright-core').Page} page the window of the tests
 * @param {string} file its name
 */
export async function fillInSecondWindow(page, file) {
  const url = new URL(page.url());
  const payload = /** @type {[string, string][]} */ (JSON.parse(url.searchParams.get('payload') ?? '[]'));
  const withoutTests = payload.filter(([name]) => name !== 'extensionTestsPath');
  url.searchParams.set('payload', JSON.stringify(withoutTests));
  const second = await page.context().newPage();
  try {
    await second.goto(url.href);
    await second.locator('.monaco-workbench').waitFor();
    await openFile(second, file);
    await runCommand(second, 'Parafill: Fill All Holes');
    await second.locator('.view-lines', { hasText: '⟦' }).waitFor({ state: 'detached', timeout: 120_000 });
    await second.keyboard.press('Control+S');
    await second.locator(`.tab.active:not(.dirty)[data-resource-name="${file}"]`).waitFor();
  } finally {
    await second.close();
  }
}
