import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { closeEverything, eventually, openFile, readyParafill } from './editor';

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
  afterEach(closeEverything);

  it('are filled in the editor when only their file was deleted', async () => {
    const { document } = await openNew('deleted.ts');
    await vscode.workspace.fs.delete(document.uri);
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await eventually('a filled hole', () => document.isClosed || !document.getText().includes('⟦'));
    if (document.isClosed) return;
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === HOLE);
  });
});
