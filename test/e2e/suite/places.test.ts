import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { closeEverything, editorWith, eventually, parafill, readyParafill } from './editor';

describe('special places', () => {
  before(readyParafill);
  afterEach(closeEverything);

  it('in an unresolved merge conflict nothing is suggested, and it is said why', async () => {
    const { document } = await editorWith('<<<<<<< HEAD\nconst a = |\n=======\n>>>>>>> theirs\n');
    const api = await parafill();
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    await eventually('a look at it', async () => {
      return (await api.lastOutcome())?.uri === document.uri.toString();
    });
    const why = await vscode.commands.executeCommand<string>('parafill.whyNoSuggestion');
    assert.match(why, /unresolved merge conflict/);
    await vscode.commands.executeCommand('notifications.clearAll');
  });

  it('in a cell of a notebook holes are filled, with one undo', async () => {
    const { Code } = vscode.NotebookCellKind;
    const notebook = await vscode.workspace.openNotebookDocument(
      'jupyter-notebook',
      new vscode.NotebookData([
        new vscode.NotebookCellData(Code, 'first = load("first.json")\n', 'python'),
        new vscode.NotebookCellData(Code, 'second = load(⟦⟧)\n', 'python'),
      ]),
    );
    await vscode.window.showNotebookDocument(notebook, { selections: [new vscode.NotebookRange(1, 2)] });
    const { document } = notebook.cellAt(1);
    await eventually('the cell in its editor', async () => {
      await vscode.commands.executeCommand('notebook.cell.edit');
      return vscode.window.activeTextEditor?.document === document;
    });
    const before = document.getText();
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await eventually('a filled hole', () => !document.getText().includes('⟦'));
    assert.match(document.getText(), /^second = load\([^]*\)\n$/);
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === before);
  });
});
