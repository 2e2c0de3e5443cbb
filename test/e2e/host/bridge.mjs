// Lets the tests inside the extension host see and use the rendered page as a person does: extensions cannot
// read ghost text or press keys. Its address is in PARAFILL_E2E_BRIDGE; the desktop build has none.
import { createServer } from 'node:http';

/** Ghost text as drawn: the inline parts and the lines below, top to bottom. Runs inside the page. */
function readGhostText() {
  const selector =
    '.monaco-editor .view-line [class*="ghost-text-decoration"], .monaco-editor .suggest-preview-text';
  const parts = [...document.querySelectorAll(selector)].filter(
    (part) => part.parentElement?.closest(selector) === null,
  );
  return parts.map((part) => ({
    text: (part.textContent ?? '').replaceAll('\u00a0', ' '),
    top: part.getBoundingClientRect().top,
  }));
}

/**
 * Serves the actions on a free port of this machine.
 * @param {import('playwright-core').Page} page
 */
export async function startBridge(page) {
  /** @type {Record<string, (body: any) => Promise<unknown>>} */
  const actions = {
    ghostText: () => page.evaluate(readGhostText),
    press: async ({ key }) => page.keyboard.press(key),
    type: async ({ text }) => page.keyboard.type(text, { delay: 20 }),
    /** Text of everything that matches a CSS selector, for what no API tells (notifications, quick picks). */
    texts: ({ selector }) => page.locator(selector).allInnerTexts(),
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
