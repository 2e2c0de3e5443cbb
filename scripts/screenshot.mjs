// Takes the README's pictures of the real thing: VS Code in Chromium, the shipped model, real keystrokes.
//   npm run screenshot
// The code in the pictures is of the kind the model was made for; what it says to it depends on the model.
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import sharp from 'sharp';
import { installHost } from '../test/e2e/host/install.mjs';
import { startServer } from '../test/e2e/host/server.mjs';
import { openBrowser, workbenchUrl } from '../test/e2e/host/workbench.mjs';
import { Animation } from './animation.mjs';
import { ghostText, notificationsGone, openFile, runCommand } from './editorPage.mjs';
import { sampleWindow } from './sampleWindow.mjs';

const root = dirname(import.meta.dirname);
const pictures = join(root, 'media');
const size = { width: 820, height: 480 };
const animationWidth = 1230;
/** README pages load it with every visit. */
const animationLimit = 2_000_000;

const VECTOR = `export interface Vector {
  readonly x: number;
  readonly y: number;
}

export function add(left: Vector, right: Vector): Vector {
  return { x: left.x + right.x, y: left.y + right.y };
}

export function subtract(left: Vector, right: Vector): Vector {
  return { x: left.x - right.x, y: left.y - right.y };
}
`;

/** Something is wrong in the last line but one. */
const EQUAL = `${VECTOR}
export function isEqual(left: Vector, right: Vector): boolean {
  return left.x === right.x && left.y === right.x;
}
`;

const HOLES = `export function add(left: number, right: number): number {
  return left + right;
}

export function subtract(left: number, ⟦⟧): number {
  return left - right;
}

export function multiply(left: number, right: number): number {
  return ⟦⟧ * right;
}

export function divide(left: number, right: number): number {
  return left / ⟦⟧;
}
`;

/** What is typed behind VECTOR; between the parts the hands rest and take what is suggested, if it fits. */
const TYPED = [
  'export function multiply(',
  'left: Vector, ',
  'right: Vector',
  '): Vector {\n',
  'return { x: left.x * ',
  'right.x',
  ', y: left.y * ',
  'right.y',
  ' };',
];

installHost();
mkdirSync(pictures, { recursive: true });
const window = sampleWindow(root, {
  'workbench.colorTheme': 'Default Dark Modern',
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
  'remote.autoForwardPorts': false,
  // As many as the model was made for: a machine that is busy would take fewer.
  'parafill.steps': 4,
});
for (const [name, text] of Object.entries({ 'vector.ts': VECTOR, 'equal.ts': EQUAL, 'math.ts': HOLES }))
  writeFileSync(join(window.folder, name), text);
const server = await startServer(window);
const { browser, page } = await openBrowser({ headless: true, ...size, scale: 2 });
const animation = new Animation();
try {
  const url = workbenchUrl(server.url, {
    folder: window.folder,
    extensionDevelopmentPaths: [root],
    extensionTestsPath: undefined,
  });
  await page.goto(url, { timeout: 120_000 });
  await page.locator('.monaco-workbench').waitFor({ timeout: 120_000 });
  await runCommand(page, 'View: Close Primary Side Bar');
  await typing();
  await holes();
  await regenerate();
  const path = join(pictures, 'parafill.gif');
  const bytes = await animation.write(path, animationWidth);
  say(path, `${(bytes / 1e6).toFixed(2)} MB`);
  if (bytes > animationLimit) throw new Error(`${path} is larger than ${animationLimit} bytes.`);
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

/** Ghost text while a function is typed; the longest suggestion that fits becomes a picture of its own. */
async function typing() {
  await openFile(page, 'vector.ts');
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Enter');
  // The model loads with the first file, and nobody wants to see that.
  await page.keyboard.press('Alt+\\');
  await ghostText(page, 10_000);
  await page.keyboard.press('Escape');
  await film(800);
  const text = TYPED.join('');
  const rests = TYPED.map((_, i) => TYPED.slice(0, i + 1).join('').length);
  let longest = 0;
  let at = 0;
  while (at < text.length) {
    const rest = rests.find((place) => place > at) ?? text.length;
    for (const character of text.slice(at, rest)) {
      await page.keyboard.type(character);
      await film(70);
    }
    at = rest;
    const ghost = at === text.length ? '' : await ghostText(page, 4_000);
    if (ghost === '' || !text.startsWith(ghost, at)) continue;
    await film(1_000);
    if (ghost.length > longest) await take('ghost-text');
    longest = Math.max(longest, ghost.length);
    await page.keyboard.press('Tab');
    at += ghost.length;
    await film(500);
  }
  if (longest === 0) throw new Error('The model suggested nothing that fits.');
  await film(1_000);
}

/** Holes before and after, and what is drawn meanwhile. */
async function holes() {
  await openFile(page, 'math.ts');
  await film(1_200);
  await take('holes-before');
  await page.keyboard.press('Control+K');
  await page.keyboard.press('Shift+H');
  let last = Date.now();
  while ((await page.locator('.view-lines', { hasText: '⟦' }).count()) > 0) {
    await film(Math.max(100, Date.now() - last));
    last = Date.now();
  }
  await notificationsGone(page);
  await page.keyboard.press('Control+End');
  await film(3_000);
  await take('holes-after');
}

/** A comparison with a wrong operand, the preview of another one, and what it is once that is accepted. */
async function regenerate() {
  await openFile(page, 'equal.ts');
  await page.keyboard.press('Control+End');
  for (const key of ['ArrowUp', 'ArrowUp', 'End', 'ArrowLeft']) await page.keyboard.press(key);
  for (let i = 0; i < 'right.x'.length; i++) await page.keyboard.press('Shift+ArrowLeft');
  await film(1_200);
  await page.keyboard.press('Control+K');
  await page.keyboard.press('g');
  const inserted = page.locator('.monaco-diff-editor .line-insert').first();
  await inserted.waitFor();
  await notificationsGone(page);
  await film(2_500);
  await take('regenerate');
  await page.keyboard.press('Control+Enter');
  await inserted.waitFor({ state: 'detached' });
  await page.keyboard.press('Control+End');
  await film(2_500);
}

/** Adds what is on the screen to the animation. */
async function film(/** @type {number} */ ms) {
  animation.add(await picture(), ms);
}

async function take(/** @type {string} */ name) {
  const path = join(pictures, `${name}.png`);
  const png = await sharp(await picture())
    .png({ palette: true, effort: 10 })
    .toBuffer();
  writeFileSync(path, png);
  say(path, `${Math.round(png.length / 1000)} kB`);
}

/** @returns {Promise<Buffer>} */
function picture() {
  return page.screenshot({ animations: 'disabled', caret: 'initial' });
}

function say(/** @type {string} */ path, /** @type {string} */ about) {
  console.log(`${relative(root, path)}: ${about}`);
}
