import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { fillInSecondWindow, hasBridge } from './bridge';
import { closeEverything, eventually, openFile, rangeOf, readyParafill, select } from './editor';
import { message } from './page';
import { hasDiff, previewOf } from './preview';

const NAME = 'shared.ts';
const REST = ';\n\nexport function sum(left: number, right: number): number {\n  return left + right;\n}\n';
const BEFORE = 'export const answer = ';

describe('two windows on one workspace', () => {
  before(async function () {
    if (!hasBridge) this.skip();
    await readyParafill();
  });
  afterEach(closeEverything);

  it('each have a server, and what one saves ends what the other was about to write', async () => {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? assert.fail('no folder');
    const uri = vscode.Uri.joinPath(folder, NAME);
    await vscode.workspace.fs.writeFile(uri, Buffer.from(`${BEFORE}⟦⟧${REST}`));
    const editor = await openFile(NAME);
    const { document } = editor;
    const original = document.getText();
    await select(editor, rangeOf(document, 'left + right'));
    const { done } = await previewOf('parafill.regenerateSelection', original);

    await fillInSecondWindow(NAME);
    await done;
    await message(/the document changed meanwhile/);
    await vscode.commands.executeCommand('notifications.clearAll');
    assert.equal(hasDiff(), false);
    const saved = Buffer.from(await vscode.workspace.fs.readFile(uri)).toString();
    await eventually('the text of the other window', () => document.getText() === saved);
    assert.ok(saved.startsWith(BEFORE) && saved.endsWith(REST) && !saved.includes('⟦'), saved);
    assert.equal(document.isDirty, false);
  });
});
