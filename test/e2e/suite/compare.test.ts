import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasBridge, renderedTexts } from './bridge';
import { closeEverything, editorWith, eventually, openFile, rangeOf, readyParafill, select } from './editor';
import { hasDiff, previewedText, previewOf } from './preview';

const BODY = '{ x: left.x - right.x, y: left.y - right.y }';
const COMPARE = 'parafill.compareCandidates';
const NEXT = 'workbench.action.quickOpenSelectNext';
const TAKE = 'workbench.action.acceptSelectedQuickOpenItem';
const ESCAPE = 'workbench.action.closeQuickOpen';

describe('Compare Candidates', () => {
  before(readyParafill);
  afterEach(async () => {
    await vscode.commands.executeCommand(ESCAPE);
    await closeEverything();
  });

  it('lists facts, previews the candidate the list is at, and writes the one that is taken', async () => {
    const editor = await openFile('src/vector.ts');
    const { document } = editor;
    const original = document.getText();
    await select(editor, rangeOf(document, BODY));
    const { preview, done } = await previewOf(COMPARE, original);
    if (hasBridge) {
      const rows = await eventually('the list', async () => {
        const found = await renderedTexts('.quick-input-list .monaco-list-row');
        return found.length > 0 && found;
      });
      for (const row of rows) {
        assert.match(row, /(parses|does not parse).*characters?/s);
        assert.doesNotMatch(row, /%/);
      }
      if (rows.length > 1) {
        await vscode.commands.executeCommand(NEXT);
        await eventually('the preview of the next one', () => {
          const text = previewedText(original);
          return text !== undefined && text !== preview;
        });
      }
    }
    const shown = previewedText(original);
    assert.equal(document.getText(), original, 'a preview must not touch the document');
    await vscode.commands.executeCommand(TAKE);
    await done;
    assert.equal(document.getText(), shown);
    assert.equal(hasDiff(), false);
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === original);
  });

  it('leaves the text as it is on Esc', async () => {
    const editor = await openFile('src/vector.ts');
    const original = editor.document.getText();
    await select(editor, rangeOf(editor.document, BODY));
    const { done } = await previewOf(COMPARE, original);
    await vscode.commands.executeCommand(ESCAPE);
    await done;
    assert.equal(editor.document.getText(), original);
    assert.equal(editor.document.isDirty, false);
  });

  it('works for the holes of a document, all of them as one change', async () => {
    const { document } = await editorWith('const sum = ⟦⟧;\nconst product = ⟦⟧;\n|');
    const original = document.getText();
    const { preview, done } = await previewOf(COMPARE, original);
    assert.doesNotMatch(preview, /[⟦⟧]/);
    await vscode.commands.executeCommand(TAKE);
    await done;
    assert.equal(document.getText(), preview);
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === original);
  });

  it('shows all candidates as diffs in one editor, and closes it in the end', async () => {
    const editor = await openFile('src/vector.ts');
    const original = editor.document.getText();
    await select(editor, rangeOf(editor.document, BODY));
    const done = vscode.commands.executeCommand('parafill.openAllCandidates');
    const isOurs = ({ label }: vscode.Tab): boolean => label.includes('Regenerate Selection');
    const tabs = (): vscode.Tab[] =>
      vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter(isOurs);
    await eventually('the editor with all diffs', () => tabs().length === 1);
    assert.equal(hasDiff(), false, 'they are in one editor of several diffs');
    if (hasBridge) {
      await eventually('the header of a diff', async () =>
        (await renderedTexts('.multiDiffEntry .file-path')).some((text) => text.includes('candidate 1')),
      );
      assert.deepEqual(await renderedTexts('.multiDiffEntry .status.renamed'), []);
    }
    await vscode.commands.executeCommand(ESCAPE);
    await done;
    await eventually('the end of it', () => tabs().length === 0);
    assert.equal(editor.document.getText(), original);
  });

  it('closes them also when they are only just being opened', async () => {
    const editor = await openFile('src/vector.ts');
    await select(editor, rangeOf(editor.document, BODY));
    const before = new Set(vscode.workspace.textDocuments);
    const done = vscode.commands.executeCommand('parafill.openAllCandidates');
    await eventually('the first of their documents', () =>
      vscode.workspace.textDocuments.some(
        (document) => !before.has(document) && document.uri.scheme === 'parafill-candidate',
      ),
    );
    await vscode.commands.executeCommand(ESCAPE);
    await done;
    // The editor that must not come would come after a round trip to the window.
    for (let trip = 0; trip < 3; trip++)
      await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    const labels = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map(({ label }) => label));
    assert.deepEqual(labels, ['vector.ts']);
  });

  it('is about the selection of another file, whatever is open for the first one', async () => {
    const editor = await openFile('src/vector.ts');
    await select(editor, rangeOf(editor.document, BODY));
    const { done } = await previewOf('parafill.regenerateSelection', editor.document.getText());
    await vscode.commands.executeCommand('workbench.action.newGroupRight');
    const other = await editorWith('const other = 1 + 2;\n|');
    const original = other.document.getText();
    await select(other, rangeOf(other.document, '1 + 2'));
    const comparing = vscode.commands.executeCommand(COMPARE);
    await done;
    const shown = await eventually('a candidate for the other file', () => previewedText(original));
    assert.ok(shown.startsWith('const other = '), shown);
    await vscode.commands.executeCommand(ESCAPE);
    await comparing;
  });

  it('says what to do where there is nothing to compare', async () => {
    const editor = await editorWith('const a = 1;\n|');
    await vscode.commands.executeCommand(COMPARE);
    assert.equal(editor.document.getText(), 'const a = 1;\n');
    assert.equal(hasDiff(), false);
  });
});
