// A window to take pictures of: VS Code in Chromium with the extension, in one of two themes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../../test/e2e/host/server.mjs';
import { openBrowser, workbenchUrl } from '../../test/e2e/host/workbench.mjs';
import { runCommand } from '../editorPage.mjs';
import { sampleWindow } from '../sampleWindow.mjs';

const size = { width: 820, height: 480 };

const settings = {
  'workbench.activityBar.location': 'hidden',
  'workbench.layoutControl.enabled': false,
  'window.commandCenter': false,
  'window.menuBarVisibility': 'hidden',
  'breadcrumbs.enabled': false,
  'editor.fontFamily': "'DejaVu Sans Mono', monospace",
  'editor.fontSize': 14,
  'editor.cursorBlinking': 'solid',
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
  'editor.parameterHints.enabled': false,
  'editor.lightbulb.enabled': 'off',
  'editor.renderLineHighlight': 'none',
  'editor.matchBrackets': 'never',
  'editor.occurrencesHighlight': 'off',
  'editor.selectionHighlight': false,
  'editor.stickyScroll.enabled': false,
  'editor.scrollBeyondLastLine': false,
  'editor.overviewRulerBorder': false,
  'typescript.validate.enable': false,
  'typescript.disableAutomaticTypeAcquisition': true,
  'typescript.tsserver.enabled': false,
  'remote.autoForwardPorts': false,
  // As many as the model was made for: a machine that is busy would take fewer.
  'parafill.steps': 4,
  // Enough to compare where the likeliest ones are alike.
  'parafill.candidates': 8,
};

/** Items of the status bar that belong to this host or to nobody's subject. */
const beside = ['host', 'problems', 'forwardedPorts', 'notifications', 'workbench.keyboardLayout'].concat(
  ['eol', 'encoding', 'indentation', 'selection'].map((name) => `editor.${name}`),
);

/** @typedef {Awaited<ReturnType<typeof openStage>>} Stage */

/**
 * @param {string} root of this repository
 * @param {'dark' | 'light'} theme
 * @param {Record<string, string>} files by their name
 * @param {Record<string, unknown>} more settings
 */
export async function openStage(root, theme, files, more) {
  const colorTheme = theme === 'dark' ? 'Default Dark Modern' : 'Default Light Modern';
  const window = sampleWindow(root, { ...settings, 'workbench.colorTheme': colorTheme, ...more });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(window.folder, name), text);
  const server = await startServer(window);
  const { browser, page } = await openBrowser({ headless: true, ...size, scale: 2 });
  const url = workbenchUrl(server.url, {
    folder: window.folder,
    extensionDevelopmentPaths: [root],
    extensionTestsPath: undefined,
  });
  await page.goto(url, { timeout: 120_000 });
  await page.locator('.monaco-workbench').waitFor({ timeout: 120_000 });
  const selectors = beside.map((name) => `.statusbar-item[id="status.${name}"]`).join(', ');
  await page.addStyleTag({ content: `${selectors} { display: none !important; }` });
  await runCommand(page, 'View: Close Primary Side Bar');
  const close = async () => {
    await browser.close();
    await server.stop();
    window.remove();
  };
  return { page, theme, close };
}
