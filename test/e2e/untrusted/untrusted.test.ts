import * as assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import {
  closeEverything,
  editorWith,
  eventually,
  openFile,
  rangeOf,
  readyParafill,
  select,
} from '../suite/editor';
import { message } from '../suite/page';

/** The workspace names a model that is none and a check that would leave a trace: see run.ts. */
describe('in a workspace that is not trusted', () => {
  before(() => {
    assert.equal(vscode.workspace.isTrusted, false);
  });
  afterEach(closeEverything);

  it('completions come from the bundled model, whatever model the workspace names', async () => {
    const { status } = await readyParafill();
    const { extensionPath = '?' } = vscode.extensions.getExtension('parafill.parafill') ?? {};
    const path = status?.model?.path ?? '';
    assert.ok(path.startsWith(extensionPath), path);
    assert.equal(status?.warning, undefined);
    const { document } = await editorWith('const answer = ⟦⟧;\n|');
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await eventually('a filled hole', () => !document.getText().includes('⟦'));
  });

  it('no check command runs, and the person is told why', async () => {
    const editor = await openFile('src/vector.ts');
    const original = editor.document.getText();
    await select(editor, rangeOf(editor.document, 'left.x - right.x'));
    const done = vscode.commands.executeCommand('parafill.regenerateUntilCheckPasses');
    await message(/check commands run only in workspaces you trust/);
    await vscode.commands.executeCommand('notifications.clearAll');
    await done;
    assert.equal(editor.document.getText(), original);
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    assert.equal(existsSync(join(folder, 'check-ran')), false);
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith('parafill-check-')),
      [],
    );
    const section = vscode.workspace.getConfiguration('parafill', editor.document.uri);
    assert.equal(section.get('checkCommand'), '', 'the editor keeps it back as well');
  });
});
