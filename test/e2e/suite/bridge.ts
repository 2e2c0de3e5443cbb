/** Ghost text as the editor draws it: in the cursor's line, and the lines below. */
export interface GhostText {
  readonly inline: string;
  readonly below: readonly string[];
}

const address = process.env['PARAFILL_E2E_BRIDGE'];

/** Whether the rendered page can be looked at and used; only the browser host offers it. */
export const hasBridge = address !== undefined;

/** What is drawn as ghost text, or undefined when nothing is. */
export async function renderedGhostText(): Promise<GhostText | undefined> {
  const ghost = await call<GhostText>('ghostText', {});
  return ghost.inline === '' && ghost.below.length === 0 ? undefined : ghost;
}

/** Presses a key as a person does, for example `Tab` or `Alt+\`. */
export async function press(key: string): Promise<void> {
  await call('press', { key });
}

/** Focuses the first button that matches a CSS selector and has this text, and presses Enter. */
export async function pressButton(selector: string, text: string): Promise<void> {
  await call('pressButton', { selector, text });
}

/** Rests the mouse on the first element that matches a CSS selector. */
export async function hover(selector: string): Promise<void> {
  await call('hover', { selector });
}

/** Takes the mouse where nothing shows a hover: what it rests on shows one again whenever it changes. */
export async function takeMouseAway(): Promise<void> {
  await call('takeMouseAway', {});
}

/** Fills and saves a file of the workspace in another window, which is closed again. */
export async function fillInSecondWindow(file: string): Promise<void> {
  await call('fillInSecondWindow', { file });
}

/** Types into whatever has the focus, also where the extension API does not reach. */
export async function typeKeys(text: string): Promise<void> {
  await call('type', { text });
}

/** Waits until the page has nothing to do: until then a new editor asks for no ghost text when a key is typed. */
export async function idle(): Promise<void> {
  await call('idle', {});
}

/** The visible text of everything that matches a CSS selector. */
export function renderedTexts(selector: string): Promise<readonly string[]> {
  return call('texts', { selector });
}

/** What decorations draw behind pieces of code right now. */
export function drawnAfterCode(): Promise<readonly string[]> {
  return call('drawnAfter', { what: 'now' });
}

/** All that they draw in any frame until the returned function is called, which tells it. */
export async function watchDrawnAfterCode(): Promise<() => Promise<readonly string[]>> {
  await call('drawnAfter', { what: 'watch' });
  return () => call('drawnAfter', { what: 'end' });
}

/** Writes what the window looks like into a PNG file. */
export async function screenshot(path: string): Promise<void> {
  await call('screenshot', { path });
}

/** How many elements match the selector and have this computed style. */
export function renderedCount(selector: string, property: string, value: string): Promise<number> {
  return call('countStyled', { selector, property, value });
}

async function call<T>(action: string, body: object): Promise<T> {
  if (address === undefined) throw new Error('This VS Code has no bridge to its page.');
  const response = await fetch(address + action, { method: 'POST', body: JSON.stringify(body) });
  const answer = (await response.json()) as { readonly result: T; readonly error?: string };
  if (answer.error !== undefined) throw new Error(`${action}: ${answer.error}`);
  return answer.result;
}
