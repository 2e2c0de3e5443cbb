// Lets the tests inside the extension host see and use the rendered page as a person does: extensions cannot
// read ghost text or press keys. Its address is in PARAFILL_E2E_BRIDGE; the desktop build has none.
import { createServer } from 'node:http';
import { fillInSecondWindow } from './secondWindow.mjs';

/** A button that is gone by then is looked for again by the test, if at all. */
const BUTTON_MS = 2_000;

/** Ghost text as drawn: in the cursor's line, and the lines below it. Runs inside the page. */
export function readGhostText() {
  const visible = (/** @type {Element} */ element) => (element.textContent ?? '').replaceAll('\u00a0', ' ');
  const inLine = '.monaco-editor .view-lines [class*="ghost-text-decoration"]';
  const outermost = [...document.querySelectorAll(inLine)].filter(
    (part) => !part.parentElement?.closest(inLine),
  );
  const byColumn = outermost.sort((a, b) => a.getBoundingClientRect().left - b.getBoundingClientRect().left);
  const below = [...document.querySelectorAll('.monaco-editor .suggest-preview-text .view-line')];
  const byRow = below.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top);
  return { inline: byColumn.map(visible).join(''), below: byRow.map(visible) };
}

/**
 * How many elements match and look like this. Runs inside the page.
 * @param {{ selector: string, property: string, value: string }} wanted
 */
function countStyled({ selector, property, value }) {
  const matches = [...document.querySelectorAll(selector)];
  return matches.filter((element) => getComputedStyle(element).getPropertyValue(property) === value).length;
}

/**
 * The text that decorations draw behind the code, which is in no element of its own: what is there now, or all that
 * was there in any frame between `watch` and `end`. Runs inside the page.
 * @param {'now' | 'watch' | 'end'} what
 * @returns {string[]}
 */
function drawnAfter(what) {
  const now = () => {
    const parts = [...document.querySelectorAll('.monaco-editor .view-lines span')];
    const contents = parts.map((part) => getComputedStyle(part, '::after').content);
    return contents
      .filter((content) => content.startsWith('"'))
      .map((content) => JSON.parse(content).replaceAll('\u00a0', ' '));
  };
  if (what === 'now') return now();
  const page = /** @type {{ parafillDrawn?: { seen: Set<string>, request: number } }} */ (globalThis);
  const watch = (page.parafillDrawn ??= { seen: new Set(), request: 0 });
  if (what === 'watch') {
    const look = () => {
      for (const text of now()) watch.seen.add(text);
      watch.request = requestAnimationFrame(look);
    };
    look();
    return [];
  }
  cancelAnimationFrame(watch.request);
  delete page.parafillDrawn;
  return [...watch.seen];
}

/**
 * Begins to write down, frame by frame, what the line of the cursor looks like, ghost text included. Runs inside
 * the page. What comes and goes between two frames nobody sees.
 */
function watchCursorLine() {
  /** @type {{ text: string, ghost: string }[]} */
  const seen = [];
  const top = (/** @type {Element | null | undefined} */ part) =>
    Math.round(part?.getBoundingClientRect().top ?? Number.NaN);
  const look = () => {
    const editor = document.querySelector('.monaco-editor.focused');
    const at = top(editor?.querySelector('.cursors-layer .cursor'));
    const line = [...(editor?.querySelectorAll('.view-lines > .view-line') ?? [])].find(
      (part) => Math.abs(top(part) - at) <= 2,
    );
    const inLine = '[class*="ghost-text-decoration"]';
    const ghost = [...(line?.querySelectorAll(inLine) ?? [])]
      .filter((part) => !part.parentElement?.closest(inLine))
      .map((part) => part.textContent)
      .join('');
    const now = { text: line?.textContent ?? '', ghost };
    const last = seen.at(-1);
    if (last?.text !== now.text || last.ghost !== now.ghost) seen.push(now);
    watch.frames += 1;
    watch.request = requestAnimationFrame(look);
  };
  const watch = { seen, frames: 0, request: 0 };
  Object.assign(globalThis, { parafillWatch: watch });
  look();
}

/** Ends it; tells how many frames there were and every look that was another than the one before. */
function endWatch() {
  const { parafillWatch } =
    /** @type {{ parafillWatch: { seen: { text: string, ghost: string }[], frames: number, request: number } }} */ (
      /** @type {unknown} */ (globalThis)
    );
  cancelAnimationFrame(parafillWatch.request);
  const plain = (/** @type {string} */ text) => text.replaceAll('\u00a0', ' ');
  return {
    frames: parafillWatch.frames,
    seen: parafillWatch.seen.map(({ text, ghost }) => ({ text: plain(text), ghost: plain(ghost) })),
  };
}

/**
 * Serves the actions on a free port of this machine.
 * @param {import('playwright-core').Page} page
 */
export async function startBridge(page) {
  /** @type {Record<string, (body: any) => Promise<unknown>>} */
  const actions = {
    ghostText: () => page.evaluate(readGhostText),
    /** By the keyboard: a hover that comes and goes may lie above what the mouse would click. */
    pressButton: async ({ selector, text }) =>
      page.locator(selector, { hasText: text }).first().press('Enter', { timeout: BUTTON_MS }),
    hover: async ({ selector }) => page.locator(selector).first().hover(),
    takeMouseAway: async () => page.mouse.move(0, 0),
    press: async ({ key }) => page.keyboard.press(key),
    type: async ({ text }) => page.keyboard.type(text, { delay: 20 }),
    fillInSecondWindow: ({ file }) => fillInSecondWindow(page, file),
    /** What is visible of everything that matches, for what no API tells; closed lists keep their old rows. */
    texts: ({ selector }) => page.locator(selector).filter({ visible: true }).allInnerTexts(),
    idle: () => page.evaluate(() => new Promise((done) => requestIdleCallback(() => done(null), { timeout: 5_000 }))),
    drawnAfter: ({ what }) => page.evaluate(drawnAfter, what),
    countStyled: (wanted) => page.evaluate(countStyled, wanted),
    watchCursorLine: () => page.evaluate(watchCursorLine),
    endWatch: () => page.evaluate(endWatch),
    screenshot: async ({ path }) => {
      await page.screenshot({ path });
    },
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const action = actions[(request.url ?? '').slice(1)];
      const answer = action
        ? action(JSON.parse(body || '{}'))
        : Promise.reject(new Error(`no such action: ${request.url}`));
      answer.then(
        (result) => response.end(JSON.stringify({ result: result ?? null })),
        (error) => {
          response.statusCode = 500;
          response.end(JSON.stringify({ error: String(error) }));
        },
      );
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}/`, stop: () => server.close() };
}
