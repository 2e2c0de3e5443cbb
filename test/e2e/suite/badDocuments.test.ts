import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { editIn } from '../../../client/src/documents';
import { closeEverything, editorWith, eventually, openFile, readyParafill } from './editor';
import { message } from './page';

const HOLE = 'export const answer = ⟦⟧;\n';

/** A new file of the workspace, in an editor. */
async function openNew(name: string): Promise<vscode.TextEditor> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder);
  await vscode.workspace.fs.writeFile(vscode.Uri.joinPath(folder.uri, name), Buffer.from(HOLE));
  return openFile(name);
}

describe('documents that cannot be filled', () => {
  before(readyParafill);
  afterEach(async () => {
    await vscode.commands.executeCommand('notifications.clearAll');
    await closeEverything();
  });

  it('are said to be missing when no editor is open', async () => {
    await closeEverything();
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await message(/open a file in an editor first/);
  });

  it('are told apart from files when they are virtual', async () => {
    const scheme = 'parafill-test';
    const provider = vscode.workspace.registerTextDocumentContentProvider(scheme, {
      provideTextDocumentContent: () => HOLE,
    });
    try {
      const uri = vscode.Uri.from({ scheme, path: '/virtual.ts' });
      const { document } = await vscode.window.showTextDocument(uri);
      await vscode.commands.executeCommand('parafill.fillAllHoles');
      await message(/not in documents of the kind "parafill-test"/);
      assert.equal(document.getText(), HOLE);
    } finally {
      provider.dispose();
    }
  });

  it('are filled all the same when they were never saved', async () => {
    const { document } = await editorWith(`${HOLE}|`);
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await eventually('a filled hole', () => !document.getText().includes('⟦'));
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === HOLE);
  });

  it('are filled in the editor when only their file was deleted', async () => {
    const { document } = await openNew('deleted.ts');
    await vscode.workspace.fs.delete(document.uri);
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await eventually('a filled hole', () => document.isClosed || !document.getText().includes('⟦'));
    if (document.isClosed) return;
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === HOLE);
  });

  it('keep their text where the editor takes no edits', async () => {
    const settings = vscode.workspace.getConfiguration();
    const everywhere = vscode.ConfigurationTarget.Global;
    await settings.update('files.readonlyInclude', { '**/readOnly.ts': true }, everywhere);
    try {
      const { document } = await openNew('readOnly.ts');
      await vscode.commands.executeCommand('parafill.fillAllHoles');
      await message(/refused the change. Is the file read-only\?/);
      await vscode.commands.executeCommand('parafill.insertHole');
      assert.equal(document.getText(), HOLE);
      assert.equal(document.isDirty, false);
    } finally {
      await settings.update('files.readonlyInclude', undefined, everywhere);
    }
  });

  it('keep their text when their editor is closed meanwhile', async () => {
    const editor = await openNew('closed.ts');
    await closeEverything();
    const problem = await editIn(editor, (builder) => {
      builder.insert(new vscode.Position(0, 0), 'x');
    });
    assert.match(problem ?? '', /closed meanwhile/);
    assert.equal((await openFile('closed.ts')).document.getText(), HOLE);
  });
});
