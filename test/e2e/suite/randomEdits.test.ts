import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ParafillApi } from '../../../client/src/extension';
import { closeEverything, editorWith, eventually, readyParafill, replace, select } from './editor';
import { previewedText } from './preview';

const EDITS = 1_000;
/** After so many edits something is filled. */
const EDITS_A_FILL = 50;
const PIECES = ['a', ' = ', '();\n', '\n', '{\n  ', '}', '"😀"', 'ü', '// \n', 'return x;'];

/** The same numbers every time: a failure can be looked at again. Park and Miller's generator. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/** Where the character begins that this UTF-16 unit belongs to: nobody can put a cursor into the middle of one. */
function characterAt(text: string, offset: number): number {
  return /^[\udc00-\udfff]/.test(text.slice(offset)) ? offset - 1 : offset;
}

describe('random edits with fills between them', () => {
  let api: ParafillApi;

  before(async () => {
    api = await readyParafill();
  });
  afterEach(closeEverything);

  /** One undo takes everything back that came after `before`, and one redo brings it again. */
  async function assertOneUndo(document: vscode.TextDocument, before: string): Promise<void> {
    const after = document.getText();
    await vscode.commands.executeCommand('undo');
    await eventually('the text before the fill', () => document.getText() === before);
    await vscode.commands.executeCommand('redo');
    await eventually('the text after the fill', () => document.getText() === after);
  }

  async function fillHole(document: vscode.TextDocument, at: vscode.Position): Promise<void> {
    await replace(document, new vscode.Range(at, at), '⟦4⟧');
    const before = document.getText();
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    const after = document.getText();
    // Nothing is an answer, too; it leaves the hole where it is, to be taken out before the next one comes.
    if (after === before) {
      const start = document.positionAt(before.indexOf('⟦4⟧'));
      await replace(document, new vscode.Range(start, start.translate(0, 3)), '');
      return;
    }
    const [left = '', right = ''] = before.split('⟦4⟧');
    assert.ok(after.startsWith(left) && after.endsWith(right), 'text outside the hole changed');
    await assertOneUndo(document, before);
  }

  async function regenerateAroundKept(document: vscode.TextDocument, line: number): Promise<void> {
    // The editor that was there before a preview is not the one that is there after it.
    const editor = await vscode.window.showTextDocument(document);
    const first = Math.max(0, line - 2);
    const last = Math.min(document.lineCount - 1, line + 2);
    await select(editor, document.lineAt(line).range);
    if (!api.keptLines(document).includes(line)) await vscode.commands.executeCommand('parafill.keepLines');
    const kept = api.keptLines(document).map((number) => document.lineAt(number).text);
    const range = new vscode.Range(first, 0, last, document.lineAt(last).text.length);
    if (range.isEmpty) return;
    await select(editor, range);
    const before = document.getText();
    const start = document.offsetAt(range.start);
    let isOver = false as boolean;
    const done = vscode.commands.executeCommand('parafill.regenerateSelection').then(() => {
      isOver = true;
    });
    const preview = await eventually(
      'a preview, or why there is none',
      () => isOver || previewedText(before),
    );
    if (preview === true) return;
    await vscode.commands.executeCommand('parafill.acceptCandidate');
    await done;
    const after = document.getText();
    assert.equal(after, preview, 'what was accepted is not what is written');
    assert.equal(after.slice(0, start), before.slice(0, start), 'text before the selection changed');
    const lines = after.split('\n');
    for (const text of kept) {
      const at = lines.indexOf(text);
      assert.ok(at >= 0, `the kept line ${JSON.stringify(text)} is gone`);
      lines.splice(0, at + 1);
    }
    assert.deepEqual(
      api.keptLines(document).map((number) => document.lineAt(number).text),
      kept,
      'the kept lines are marked still',
    );
    await assertOneUndo(document, before);
  }

  it(`lose no character and change no kept line in ${EDITS} edits, each fill one undo`, async function () {
    this.timeout(900_000);
    const next = numbers(Number(process.env['PARAFILL_E2E_SEED'] ?? 20_251));
    const { document } = await editorWith('function first(a, b) {\n  return a + b;\n}\n|');
    for (let i = 1; i <= EDITS; i++) {
      const text = document.getText();
      const start = characterAt(text, next(text.length + 1));
      const end = characterAt(text, start + next(6) * (text.length > 600 ? 8 : 1));
      const piece = PIECES[next(PIECES.length)] ?? '';
      await replace(document, new vscode.Range(document.positionAt(start), document.positionAt(end)), piece);
      assert.equal(document.getText(), text.slice(0, start) + piece + text.slice(end));
      if (i % EDITS_A_FILL !== 0) continue;
      const line = next(document.lineCount);
      if (i % (2 * EDITS_A_FILL) === 0) await fillHole(document, new vscode.Position(line, 0));
      else await regenerateAroundKept(document, line);
    }
  });
});
