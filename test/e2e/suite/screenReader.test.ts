import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasBridge, renderedTexts } from './bridge';
import { closeEverything, editorWith, eventually, openFile, rangeOf, readyParafill, select } from './editor';
import { message } from './page';
import { previewOf } from './preview';

const TEXT = 'const a = ⟦⟧;\nconst b = ⟦⟧;\n|';

async function screenReader(used: 'on' | undefined): Promise<void> {
  const { Global } = vscode.ConfigurationTarget;
  await vscode.workspace.getConfiguration('editor').update('accessibilitySupport', used, Global);
}

/** Screen readers read notifications out. */
async function said(what: RegExp): Promise<void> {
  await message(what);
  await vscode.commands.executeCommand('notifications.clearAll');
}

describe('with a screen reader', () => {
  before(async function () {
    if (!hasBridge) this.skip();
    await readyParafill();
    await screenReader('on');
  });
  afterEach(closeEverything);
  after(() => screenReader(undefined));

  it('a fill says what it did', async () => {
    await editorWith(TEXT);
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await said(/Parafill: 2 holes are filled\./);
  });

  it('kept lines are counted', async () => {
    await editorWith(TEXT);
    await vscode.commands.executeCommand('parafill.keepLines');
    await said(/Parafill: one line is kept\./);
  });

  it('a candidate comes with its facts, as do the items of the status bar', async () => {
    const editor = await openFile('src/vector.ts');
    const original = editor.document.getText();
    await select(editor, rangeOf(editor.document, 'right.y;'));
    const { done } = await previewOf('parafill.regenerateSelection', original);
    await said(/Parafill: Candidate 1 of \d+ · .*characters/);
    const labelled = '.statusbar-item [aria-label^="Parafill: Candidate 1 of"]';
    await eventually('a label', async () => (await renderedTexts(labelled)).length > 0);
    await vscode.commands.executeCommand('parafill.discardCandidates');
    await done;
    assert.equal(editor.document.getText(), original);
  });
});
