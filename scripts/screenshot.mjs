// Takes the README's and the walkthrough's pictures of the real thing: VS Code in Chromium, the shipped model, real
// keystrokes.
//   npm run screenshot
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import sharp from 'sharp';
import { installHost } from '../test/e2e/host/install.mjs';
import { ghostText, notificationsGone, openFile, runCommand } from './editorPage.mjs';
import { Animation } from './pictures/animation.mjs';
import { CHECKED, EQUAL, HOLES, TESTS, TYPED, VECTOR, WRONG } from './pictures/code.mjs';
import { openStage } from './pictures/stage.mjs';

const root = dirname(import.meta.dirname);
const pictures = join(root, 'media');
const animationWidth = 1230;
/** README pages load it with every visit. */
const animationLimit = 2_000_000;

const animation = new Animation();

installHost();
mkdirSync(join(pictures, 'walkthrough'), { recursive: true });
for (const theme of /** @type {const} */ (['dark', 'light'])) {
  const files = { 'vector.ts': VECTOR, 'equal.ts': EQUAL, 'stack.ts': HOLES };
  const tested = { 'vector.mjs': CHECKED, 'vector.test.mjs': TESTS };
  const stage = await openStage(
    root,
    theme,
    { ...files, ...tested },
    { 'parafill.checkCommand': 'node --test' },
  );
  try {
    await typing(stage);
    await holes(stage);
    await regenerate(stage);
    await check(stage);
    await state(stage);
  } catch (error) {
    const path = join(tmpdir(), 'parafill-screenshot-failed.png');
    await stage.page.screenshot({ path });
    console.error(`${error instanceof Error ? error.stack : error}\nWhat the window showed is in ${path}.`);
    process.exitCode = 1;
    break;
  } finally {
    await stage.close();
  }
}
if (process.exitCode !== 1) await writeAnimation();
process.exit();

/**
 * Ghost text while a function is typed; the longest suggestion that fits becomes a picture of its own.
 * @param {import('./pictures/stage.mjs').Stage} stage
 */
async function typing(stage) {
  const { page } = stage;
  await openFile(page, 'vector.ts');
  await page.keyboard.press('Control+End');
  await page.keyboard.press('Enter');
  // The model loads with the first file, and nobody wants to see that.
  await page.keyboard.press('Alt+\\');
  await ghostText(page, 10_000);
  await page.keyboard.press('Escape');
  await film(stage, 800);
  const text = TYPED.join('');
  const rests = TYPED.map((_, i) => TYPED.slice(0, i + 1).join('').length);
  let longest = 0;
  let at = 0;
  while (at < text.length) {
    const rest = rests.find((place) => place > at) ?? text.length;
    for (const character of text.slice(at, rest)) {
      await page.keyboard.type(character);
      await film(stage, 70);
    }
    at = rest;
    const ghost = at === text.length ? '' : await ghostText(page, 4_000);
    if (ghost === '' || !text.startsWith(ghost, at)) continue;
    await film(stage, 1_000);
    if (ghost.length > longest) {
      await take(stage, 'ghost-text');
      await take(stage, 'walkthrough/suggestion');
    }
    longest = Math.max(longest, ghost.length);
    await page.keyboard.press('Tab');
    at += ghost.length;
    await film(stage, 500);
  }
  if (longest === 0) throw new Error('The model suggested nothing that fits.');
  await film(stage, 1_000);
}

/**
 * Holes before and after, and what is drawn meanwhile.
 * @param {import('./pictures/stage.mjs').Stage} stage
 */
async function holes(stage) {
  const { page } = stage;
  await openFile(page, 'stack.ts');
  await page.keyboard.press('Control+Home');
  await film(stage, 1_200);
  await take(stage, 'holes-before');
  // The hover of the first hole says what there is to do.
  await page.keyboard.press('Control+K');
  await page.keyboard.press('n');
  await runCommand(page, 'Show or Focus Hover');
  await page.locator('.monaco-hover:visible', { hasText: 'Hole 1' }).waitFor();
  await take(stage, 'walkthrough/holes');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('Control+K');
  await page.keyboard.press('Shift+H');
  let last = Date.now();
  while ((await page.locator('.view-lines', { hasText: '⟦' }).count()) > 0) {
    await film(stage, Math.max(100, Date.now() - last));
    last = Date.now();
  }
  await notificationsGone(page);
  await page.keyboard.press('Control+End');
  await film(stage, 3_000);
  await take(stage, 'holes-after');
  // What is open is recalled in the next pictures.
  await runCommand(page, 'View: Revert and Close Editor');
  await page.locator('.tab[data-resource-name="stack.ts"]').waitFor({ state: 'detached' });
}

/**
 * A comparison with a wrong operand, the preview of another one, all of them in a list, and what it is once one is
 * accepted.
 * @param {import('./pictures/stage.mjs').Stage} stage
 */
async function regenerate(stage) {
  const { page } = stage;
  await openFile(page, 'equal.ts');
  await selectWrong(page);
  await film(stage, 1_200);
  await page.keyboard.press('Control+K');
  await page.keyboard.press('g');
  const inserted = page.locator('.monaco-diff-editor .line-insert').first();
  await inserted.waitFor();
  await notificationsGone(page);
  await film(stage, 2_500);
  await take(stage, 'regenerate');
  await page.keyboard.press('Control+K');
  await page.keyboard.press('Shift+G');
  await page.locator('.quick-input-list .monaco-list-row').first().waitFor();
  await take(stage, 'walkthrough/regenerate');
  await film(stage, 1_500);
  await page.keyboard.press('Enter');
  await page.locator('.tab.active.dirty[data-resource-name="equal.ts"]').waitFor();
  await page.keyboard.press('Control+End');
  await film(stage, 2_500);
}

/**
 * The same with tests that decide.
 * @param {import('./pictures/stage.mjs').Stage} stage
 */
async function check(stage) {
  const { page } = stage;
  await openFile(page, 'vector.mjs');
  await selectWrong(page);
  await runCommand(page, 'Parafill: Regenerate Until Check Passes');
  await page.locator('.quick-input-title', { hasText: 'passed' }).waitFor({ timeout: 60_000 });
  await notificationsGone(page);
  await take(stage, 'check');
  await take(stage, 'walkthrough/check');
  await page.keyboard.press('Enter');
  await page.locator('.tab.active.dirty[data-resource-name="vector.mjs"]').waitFor();
}

/**
 * The language status, opened.
 * @param {import('./pictures/stage.mjs').Stage} stage
 */
async function state(stage) {
  const { page } = stage;
  await openFile(page, 'vector.ts');
  await page.locator('[id="status.languageStatus"]').hover();
  await page.locator('.hover-language-status', { hasText: ' ms' }).waitFor();
  await take(stage, 'walkthrough/state');
}

/** @param {import('playwright-core').Page} page */
async function selectWrong(page) {
  await page.keyboard.press('Control+End');
  for (const key of ['ArrowUp', 'ArrowUp', 'End', 'ArrowLeft']) await page.keyboard.press(key);
  for (let i = 0; i < WRONG.length; i++) await page.keyboard.press('Shift+ArrowLeft');
}

/**
 * Adds what is on the screen to the animation, which has one theme.
 * @param {import('./pictures/stage.mjs').Stage} stage
 * @param {number} ms
 */
async function film({ page, theme }, ms) {
  if (theme === 'dark') animation.add(await picture(page), ms);
}

/**
 * Those of the README are dark; the walkthrough has each picture as the editor around it is.
 * @param {import('./pictures/stage.mjs').Stage} stage
 * @param {string} name
 */
async function take({ page, theme }, name) {
  const ofWalkthrough = name.startsWith('walkthrough/');
  if (!ofWalkthrough && theme !== 'dark') return;
  const path = join(pictures, ofWalkthrough ? `${name}-${theme}.png` : `${name}.png`);
  const png = await sharp(await picture(page))
    .resize(ofWalkthrough ? { width: animationWidth } : {})
    .png({ palette: true, effort: 10 })
    .toBuffer();
  writeFileSync(path, png);
  say(path, `${Math.round(png.length / 1000)} kB`);
}

/**
 * @param {import('playwright-core').Page} page
 * @returns {Promise<Buffer>}
 */
function picture(page) {
  return page.screenshot({ animations: 'disabled', caret: 'initial' });
}

async function writeAnimation() {
  const path = join(pictures, 'parafill.gif');
  const bytes = await animation.write(path, animationWidth);
  say(path, `${(bytes / 1e6).toFixed(2)} MB`);
  if (bytes > animationLimit) throw new Error(`${path} is larger than ${animationLimit} bytes.`);
}

function say(/** @type {string} */ path, /** @type {string} */ about) {
  console.log(`${relative(root, path)}: ${about}`);
}
