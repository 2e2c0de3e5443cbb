import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ParafillApi } from '../../../client/src/extension';
import { hasBridge, renderedCount } from './bridge';
import { closeEverything, editorWith, eventually, readyParafill, replace, select } from './editor';
import { hasDiff, previewOf } from './preview';

const TEXT = `|function area(width: number, height: number): number {
  const w = width;
  console.log(w, height);
  const h = height;
  return w * h;
}
`;
const KEPT = '  console.log(w, height);';

describe('kept lines', () => {
  let api: ParafillApi;

  before(async () => {
    api = await readyParafill();
  });
  afterEach(closeEverything);

  async function editorWithKept(): Promise<vscode.TextEditor> {
    const editor = await editorWith(TEXT);
    await select(editor, new vscode.Range(2, 0, 3, 0));
    await vscode.commands.executeCommand('parafill.keepLines');
    assert.deepEqual(api.keptLines(editor.document), [2]);
    return editor;
  }

  it('are marked in the gutter and in the text, and no more after the command is run again', async () => {
    await editorWithKept();
    const marks = (): Promise<number> => renderedCount('.view-overlays .cdr', 'border-left-width', '2px');
    if (hasBridge) {
      await eventually('a marked line', async () => (await marks()) === 1);
      const icons = await renderedCount('.glyph-margin-widgets .cgmr', 'background-repeat', 'no-repeat');
      assert.ok(icons >= 1, 'there is no icon in the gutter');
    }
    await vscode.commands.executeCommand('parafill.keepLines');
    if (hasBridge) await eventually('no marked line', async () => (await marks()) === 0);
    const [editor] = vscode.window.visibleTextEditors;
    assert.ok(editor);
    assert.deepEqual(api.keptLines(editor.document), []);
  });

  it('move with the edits around them and end with an edit of their own', async () => {
    const { document } = await editorWithKept();
    await replace(document, new vscode.Range(0, 0, 0, 0), '// one\n// two\n');
    assert.deepEqual(api.keptLines(document), [4]);
    await replace(document, new vscode.Range(4, KEPT.length, 4, KEPT.length), '\n  // below');
    assert.deepEqual(api.keptLines(document), [4]);
    await replace(document, new vscode.Range(4, 2, 4, 2), 'void ');
    assert.deepEqual(api.keptLines(document), []);
  });

  it('stay when the language of the document changes', async () => {
    const editor = await editorWithKept();
    const document = await vscode.languages.setTextDocumentLanguage(editor.document, 'javascript');
    assert.deepEqual(api.keptLines(document), [2]);
  });

  it('stay while the lines around them are regenerated, and are marked still', async () => {
    const editor = await editorWithKept();
    const { document } = editor;
    const original = document.getText();
    await select(editor, new vscode.Range(1, 0, 5, 0));
    const { preview, done } = await previewOf('parafill.regenerateSelection', original);
    const lines = original.split('\n');
    assert.ok(preview.startsWith(`${lines[0]}\n  `), 'the line before the selection stays');
    assert.ok(preview.endsWith('\n}\n'), 'the line after the selection stays');
    assert.ok(preview.split('\n').includes(KEPT), `the kept line is gone: ${preview}`);
    await vscode.commands.executeCommand('parafill.acceptCandidate');
    await done;
    assert.equal(document.getText(), preview);
    const [kept] = api.keptLines(document);
    assert.ok(kept !== undefined);
    assert.equal(document.lineAt(kept).text, KEPT);
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === original);
    assert.deepEqual(api.keptLines(document), [2]);
  });

  it('stay also when a selection begins in the middle of one', async () => {
    const editor = await editorWithKept();
    const original = editor.document.getText();
    await select(editor, new vscode.Range(2, 5, 5, 0));
    const { preview, done } = await previewOf('parafill.regenerateSelection', original);
    assert.ok(preview.startsWith(`${original.split('\n').slice(0, 3).join('\n')}\n  `));
    await vscode.commands.executeCommand('parafill.discardCandidates');
    await done;
  });

  it('leave nothing to regenerate when they are all there is', async () => {
    const editor = await editorWithKept();
    const original = editor.document.getText();
    await select(editor, new vscode.Range(2, 0, 3, 0));
    await vscode.commands.executeCommand('parafill.regenerateSelection');
    assert.equal(editor.document.getText(), original);
    assert.equal(hasDiff(), false);
  });

  it('are toggled from the menu of a line number, and all cleared by one command', async () => {
    const { document } = await editorWithKept();
    await vscode.commands.executeCommand('parafill.keepLines', { uri: document.uri, lineNumber: 5 });
    assert.deepEqual(api.keptLines(document), [2, 4]);
    await vscode.commands.executeCommand('parafill.clearKeptLines');
    assert.deepEqual(api.keptLines(document), []);
  });
});
