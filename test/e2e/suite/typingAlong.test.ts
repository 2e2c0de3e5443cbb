import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasBridge, press, renderedGhostText, typeKeys } from './bridge';
import { closeEverything, eventually, moveTo, openFile, parafill, rangeOf, readyParafill } from './editor';

/** How the cursor's line was drawn, ghost text included, in the order of the frames. */
interface Watched {
  readonly frames: number;
  readonly seen: readonly { readonly text: string; readonly ghost: string }[];
}

/** Beginnings that models have something to say about; which of them, depends on the model. */
const BEGINNINGS = [
  'export function divide(left: Vector, ',
  'export function divide(left: Vector, right: Vector): Vector {\nreturn ',
  'export function divide(',
  'export ',
];
const LONG_ENOUGH = 4;

async function call<T>(action: string): Promise<T> {
  const address = process.env['PARAFILL_E2E_BRIDGE'] ?? assert.fail('no bridge');
  const response = await fetch(address + action, { method: 'POST', body: '{}' });
  const answer = (await response.json()) as { readonly result: T; readonly error?: string };
  assert.equal(answer.error, undefined);
  return answer.result;
}

/** Types beginnings into the line until one is followed by ghost text that is long enough to be typed along. */
async function typedUntilGhost(editor: vscode.TextEditor, ask?: () => Promise<void>): Promise<string> {
  const { document } = editor;
  const original = document.getText();
  for (const beginning of BEGINNINGS) {
    await moveTo(editor, rangeOf(document, '\nexport function isEqual').start);
    await typeKeys(`\n${beginning}`);
    await ask?.();
    if (await isOffered(editor)) {
      const ghost = await eventually('ghost text on the screen', renderedGhostText);
      if (ghost.below.length === 0 && ghost.inline.length >= LONG_ENOUGH) return ghost.inline;
    }
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await eventually('the file as it was', () => document.getText() === original);
  }
  return assert.fail('The model suggests nothing that is long enough.');
}

/** Whether the server has something to offer for the text as it is now, once it has looked. */
async function isOffered({ document }: vscode.TextEditor): Promise<boolean> {
  const api = await parafill();
  const outcome = await eventually('a look at the latest key', async () => {
    const latest = await api.lastOutcome();
    const isOfNow = latest?.uri === document.uri.toString() && latest.version === document.version;
    return isOfNow && ['filled', 'cached', 'empty'].includes(latest.kind) && latest;
  });
  return outcome.candidatesOffered > 0;
}

/** The server has said something about the text as it is now. */
async function answered({ document }: vscode.TextEditor): Promise<void> {
  const api = await parafill();
  await eventually('an answer to the latest key', async () => {
    const outcome = await api.lastOutcome();
    return outcome?.uri === document.uri.toString() && outcome.version === document.version;
  });
}

/** Types all of the suggestion but its last character and looks at every frame meanwhile. */
async function typeAlong(
  editor: vscode.TextEditor,
  ghost: string,
  afterKey?: () => Promise<void>,
): Promise<void> {
  const start = editor.selection.active;
  await call('watchCursorLine');
  for (let typed = 1; typed < ghost.length; typed++) {
    const character = ghost.charAt(typed - 1);
    await press(character === ' ' ? 'Space' : character);
    await eventually('the key', () => editor.selection.active.isEqual(start.translate(0, typed)));
    await afterKey?.();
  }
  const { frames, seen } = await call<Watched>('endWatch');
  assert.ok(frames > ghost.length, `only ${frames} frames for ${ghost.length} keys`);
  const first = seen[0] ?? assert.fail('nothing was drawn');
  assert.ok(first.text.includes(ghost), `${JSON.stringify(ghost)} is not drawn in ${JSON.stringify(first)}`);
  // What is typed replaces what was suggested in the same frame, so that the line looks the same all the time.
  for (const look of seen) assert.equal(look.text, first.text);
  let rest = ghost.length + 1;
  for (const look of seen) {
    assert.ok(look.ghost !== '' && ghost.endsWith(look.ghost) && look.ghost.length < rest, look.ghost);
    rest = look.ghost.length;
  }
  assert.equal(rest, 1);
}

describe('typing along ghost text', () => {
  const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('parafill');

  before(async function () {
    if (!hasBridge) this.skip();
    await readyParafill();
  });
  afterEach(closeEverything);

  it('never makes it flicker, however fast the keys come', async () => {
    const editor = await openFile('src/vector.ts');
    await typeAlong(editor, await typedUntilGhost(editor));
  });

  it('never makes it flicker when every key is answered', async () => {
    const editor = await openFile('src/vector.ts');
    const ghost = await typedUntilGhost(editor);
    await typeAlong(editor, ghost, () => answered(editor));
  });

  it('never makes it flicker when it was asked for by hand, and none comes by itself', async () => {
    const everywhere = vscode.ConfigurationTarget.Global;
    await settings().update('enableAutomaticCompletions', false, everywhere);
    try {
      const api = await parafill();
      await eventually('the pause', () => api.status?.kind === 'paused');
      const editor = await openFile('src/vector.ts');
      const ghost = await typedUntilGhost(editor, () => press('Alt+\\'));
      await typeAlong(editor, ghost, () => answered(editor));
    } finally {
      await settings().update('enableAutomaticCompletions', undefined, everywhere);
    }
  });
});
