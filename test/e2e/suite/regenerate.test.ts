import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { closeEverything, eventually, openFile, rangeOf, readyParafill, select } from './editor';

const BODY = '{ x: left.x - right.x, y: left.y - right.y }';

/** The candidate document of the open diff, once it shows something other than the original. */
function previewedText(original: string): string | undefined {
  for (const { tabs } of vscode.window.tabGroups.all)
    for (const { input } of tabs) {
      if (!(input instanceof vscode.TabInputTextDiff)) continue;
      const { modified } = input;
      const document = vscode.workspace.textDocuments.find(
        ({ uri }) => uri.toString() === modified.toString(),
      );
      const text = document?.getText();
      if (text !== undefined && text !== '' && text !== original) return text;
    }
  return undefined;
}

function hasDiff(): boolean {
  return vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .some(({ input }) => input instanceof vscode.TabInputTextDiff);
}

/** Starts Regenerate Selection on the body and waits for the preview. `done` resolves when the command ends. */
async function regenerate(): Promise<{
  readonly editor: vscode.TextEditor;
  readonly original: string;
  readonly preview: string;
  readonly done: Thenable<unknown>;
}> {
  const editor = await openFile('src/vector.ts');
  const original = editor.document.getText();
  await select(editor, rangeOf(editor.document, BODY));
  const done = vscode.commands.executeCommand('parafill.regenerateSelection');
  const preview = await eventually('a previewed candidate', () => previewedText(original));
  return { editor, original, preview, done };
}

describe('Regenerate Selection', () => {
  before(readyParafill);
  afterEach(closeEverything);

  it('previews a candidate as a diff, writes it on Enter, and goes with one undo', async () => {
    const { editor, original, preview, done } = await regenerate();
    const { document } = editor;
    assert.equal(document.getText(), original, 'a preview must not touch the document');
    const start = original.indexOf(BODY);
    const rest = original.slice(start + BODY.length);
    assert.ok(preview.startsWith(original.slice(0, start)) && preview.endsWith(rest));

    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await done;
    assert.equal(document.getText(), preview);
    assert.equal(hasDiff(), false, 'the diff is closed again');

    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === original);
  });

  it('leaves the text as it is on Esc', async () => {
    const { editor, original, done } = await regenerate();
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await done;
    assert.equal(editor.document.getText(), original);
    assert.equal(editor.document.isDirty, false);
    assert.equal(hasDiff(), false);
    assert.equal(
      editor.document.getText(vscode.window.activeTextEditor?.selection),
      BODY,
      'the selection is back',
    );
  });

  it('gives up when the document changes meanwhile', async () => {
    const { editor, original, done } = await regenerate();
    const { document } = editor;
    const change = new vscode.WorkspaceEdit();
    change.insert(document.uri, new vscode.Position(0, 0), '// changed by someone else\n');
    await vscode.workspace.applyEdit(change);
    await done;
    assert.equal(document.getText(), `// changed by someone else\n${original}`);
    assert.equal(hasDiff(), false);
  });

  it('is a Refactor-Rewrite code action of a selection, and of nothing else', async () => {
    const editor = await openFile('src/vector.ts');
    const titles = async (range: vscode.Range): Promise<readonly string[]> => {
      const actions = await vscode.commands.executeCommand<readonly vscode.CodeAction[]>(
        'vscode.executeCodeActionProvider',
        editor.document.uri,
        range,
        'refactor.rewrite.parafill',
      );
      return actions.map(({ title }) => title);
    };
    const body = rangeOf(editor.document, BODY);
    assert.deepEqual(await titles(body), ['Regenerate with Parafill']);
    assert.deepEqual(await titles(new vscode.Range(body.start, body.start)), []);
  });
});
