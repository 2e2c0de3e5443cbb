import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { type GhostText, hasBridge, press, renderedGhostText } from './bridge';
import {
  closeEverything,
  editorWith,
  eventually,
  moveTo,
  openFile,
  parafill,
  rangeOf,
  readyParafill,
  type,
} from './editor';
import { pressUntil } from './page';

/** Several lines that stand so often in a file that a model should be sure of them. */
const OPTIONS = '{\n    encoding: "utf8",\n    flag: "r",\n  }';

/** The last request that ran the model for ghost text and had something to offer. */
async function suggestionOffered(): Promise<void> {
  const api = await readyParafill();
  await eventually('a suggestion of the model', async () => {
    const outcome = await api.lastOutcome();
    return outcome?.request === 'inlineCompletion' && ['filled', 'cached'].includes(outcome.kind);
  });
}

describe('ghost text', () => {
  before(readyParafill);
  afterEach(closeEverything);

  it('comes from the model while typing, is accepted with Tab, and goes with one undo', async () => {
    const editor = await openFile('src/vector.ts');
    const { document } = editor;
    const at = rangeOf(document, 'export function isEqual').start;
    await moveTo(editor, at);
    await type('export function divide(left: Vector, right: Vector): Vector {\n  return { x: left.x + ');
    const typed = document.getText();
    const cursor = editor.selection.active;

    await suggestionOffered();
    const ghost = hasBridge ? await eventually('ghost text on the screen', renderedGhostText) : undefined;
    assert.equal(document.getText(), typed, 'a suggestion must not touch the document');

    if (hasBridge) await press('Tab');
    else await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
    const accepted = await eventually('the accepted text', () => {
      const text = document.getText();
      return text !== typed && text;
    });
    const before = document.offsetAt(cursor);
    assert.equal(accepted.slice(0, before), typed.slice(0, before));
    const inserted = document.getText(new vscode.Range(cursor, editor.selection.active));
    assert.notEqual(inserted.trim(), '', 'what was accepted is empty');
    if (ghost !== undefined)
      assert.ok(inserted.startsWith(ghost.inline), `shown ${ghost.inline}, inserted ${inserted}`);

    await vscode.commands.executeCommand('undo');
    await eventually('the text before accepting', () => document.getText() === typed);
  });

  it('of several lines is drawn in them, is accepted with one Tab, and goes with one undo', async function () {
    if (!hasBridge) this.skip();
    const reader = (name: string, options: string): string =>
      `export function read${name}(path: string): string {\n  return readFileSync(path, ${options});\n}\n`;
    const said = ['Config', 'Report', 'Table', 'Index'].map((name) => reader(name, OPTIONS));
    const editor = await editorWith([...said, reader('Graph', '|'), reader('Image', OPTIONS)].join('\n'));
    const { document } = editor;
    // The editor closes the bracket by itself, so that the lines come between the two.
    await type('{');
    const typed = document.getText();
    const { line, character } = editor.selection.active;
    const severalLines = async (): Promise<GhostText | false> => {
      const ghost = await renderedGhostText();
      return ghost !== undefined && ghost.below.length > 1 && ghost;
    };
    const ghost = await pressUntil('Alt+\\', severalLines);
    assert.equal(document.getText(), typed, 'a suggestion must not touch the document');
    const before = document.lineAt(line).text.slice(0, character);

    await press('Tab');
    await eventually('the accepted text', () => document.getText() !== typed);
    const drawn = [before + ghost.inline, ...ghost.below];
    const lines = document.getText().split('\n');
    assert.deepEqual(lines.slice(line, line + drawn.length), drawn);

    await vscode.commands.executeCommand('undo');
    await eventually('the text before accepting', () => document.getText() === typed);
  });

  it('has alternatives on Alt+\\, which the editor goes through', async function () {
    if (!hasBridge) this.skip();
    const api = await readyParafill();
    const places = ['const total = ', 'export const name = ', 'return ', 'if (', 'left.'];
    for (const place of places) {
      const { document } = await editorWith(`const left = { x: 1, y: 2 };\nconst right = left;\n${place}|\n`);
      await pressUntil('Alt+\\', async () => {
        const outcome = await api.lastOutcome();
        return outcome?.uri === document.uri.toString() && outcome.candidatesComputed > 1;
      });
      if (((await api.lastOutcome())?.candidatesOffered ?? 0) > 1) {
        const first = await eventually('ghost text', renderedGhostText);
        await vscode.commands.executeCommand('editor.action.inlineSuggest.showNext');
        await eventually('another ghost text', async () => {
          const now = await renderedGhostText();
          return now !== undefined && JSON.stringify(now) !== JSON.stringify(first);
        });
        return;
      }
      await closeEverything();
    }
    assert.fail('The model has no alternatives anywhere.');
  });

  it('comes on Alt+\\ when automatic completions are paused', async () => {
    const settings = vscode.workspace.getConfiguration('parafill');
    await settings.update('enableAutomaticCompletions', false, vscode.ConfigurationTarget.Global);
    try {
      const api = await pausedParafill();
      const editor = await openFile('src/account.py');
      const { document } = editor;
      const end = rangeOf(document, 'self.balance -= amount').start;
      await moveTo(editor, end.translate(0, 'self.balance -= '.length));
      const isAnswered = async (): Promise<boolean> => {
        const outcome = await api.lastOutcome();
        return outcome?.uri.endsWith('account.py') === true && outcome.candidatesComputed > 0;
      };
      if (hasBridge) {
        await pressUntil('Alt+\\', isAnswered);
      } else {
        await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
        await eventually('an answer to the request by hand', isAnswered);
      }
    } finally {
      await settings.update('enableAutomaticCompletions', undefined, vscode.ConfigurationTarget.Global);
    }
  });
});

/** Paused is as good as ready for requests by hand. */
async function pausedParafill(): ReturnType<typeof readyParafill> {
  const api = await parafill();
  await eventually('the pause', () => api.status?.kind === 'paused');
  return api;
}
