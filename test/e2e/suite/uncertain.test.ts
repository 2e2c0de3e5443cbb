import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ParafillApi } from '../../../client/src/extension';
import { hasBridge, renderedCount } from './bridge';
import { closeEverything, editorWith, eventually, readyParafill, replace } from './editor';

const TEXT = `// ⟦⟧
export function ⟦⟧(first: string, second: string): string {
  ⟦⟧
  return ⟦⟧;
}
|`;

describe('uncertain parts', () => {
  let api: ParafillApi;

  before(async () => {
    api = await readyParafill();
  });
  afterEach(closeEverything);

  /** A document with parts the model was unsure of: nobody could be sure of all these holes. */
  async function filled(): Promise<vscode.TextDocument> {
    const { document } = await editorWith(TEXT);
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await eventually('filled holes', () => !document.getText().includes('⟦'));
    assert.ok(api.uncertainParts(document).length > 0, `nothing uncertain in ${document.getText()}`);
    return document;
  }

  it('are underlined with dots until the first edit there', async () => {
    const document = await filled();
    const [first, ...others] = api.uncertainParts(document);
    assert.ok(first);
    const underlined = (): Promise<number> =>
      renderedCount('.view-overlays .cdr', 'border-bottom-style', 'dotted');
    if (hasBridge) await eventually('dotted lines', async () => (await underlined()) > 0);

    await replace(document, new vscode.Range(0, 0, 0, 0), '// above\n');
    const moved = api.uncertainParts(document);
    assert.equal(moved.length, others.length + 1, 'an edit elsewhere clears nothing');
    const [movedFirst] = moved;
    assert.equal(movedFirst?.start.line, first.start.line + 1);

    await replace(document, new vscode.Range(movedFirst.start, movedFirst.start), 'x');
    assert.ok(api.uncertainParts(document).length < moved.length, 'an edit there clears it');
    await replace(document, new vscode.Range(0, 0, document.lineCount, 0), 'nothing\n');
    assert.deepEqual(api.uncertainParts(document), []);
    if (hasBridge) await eventually('no dotted line', async () => (await underlined()) === 0);
  });

  it('are written anew by the quick fix, as one change that goes with one undo', async () => {
    const document = await filled();
    const before = document.getText();
    const [part] = api.uncertainParts(document);
    assert.ok(part);
    const actionsAt = async (range: vscode.Range): Promise<readonly vscode.CodeAction[]> =>
      vscode.commands.executeCommand<readonly vscode.CodeAction[]>(
        'vscode.executeCodeActionProvider',
        document.uri,
        range,
        'quickfix.parafill',
      );
    const [action] = await actionsAt(part);
    assert.equal(action?.title, 'Re-sample Uncertain Parts');
    const end = document.lineAt(document.lineCount - 1).range.end;
    assert.deepEqual(await actionsAt(new vscode.Range(end, end)), []);

    assert.ok(action.command);
    await vscode.commands.executeCommand(action.command.command);
    await eventually('other parts', () => document.getText() !== before);
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === before);
  });

  it('stay as they are in kept lines', async () => {
    const document = await filled();
    const parts = api.uncertainParts(document);
    const lines = [...new Set(parts.map(({ start }) => start.line))];
    const editor = vscode.window.activeTextEditor;
    assert.ok(editor?.document === document);
    editor.selections = parts.map(({ start }) => new vscode.Selection(start, start));
    await eventually('a cursor in each', () => editor.selections.length === parts.length);
    await vscode.commands.executeCommand('parafill.keepLines');
    assert.deepEqual(api.keptLines(document), lines);
    const before = document.getText();
    await vscode.commands.executeCommand('parafill.resampleUncertain');
    assert.equal(document.getText(), before);
    await vscode.commands.executeCommand('parafill.clearKeptLines');
  });

  it('are not shown when the setting says so, and there is nothing to write anew then', async () => {
    const settings = vscode.workspace.getConfiguration();
    const document = await filled();
    const before = document.getText();
    await settings.update('parafill.showUncertainParts', false, vscode.ConfigurationTarget.Global);
    try {
      await eventually('no mark', () => api.uncertainParts(document).length === 0);
      await vscode.commands.executeCommand('parafill.resampleUncertain');
      assert.equal(document.getText(), before);
    } finally {
      await settings.update('parafill.showUncertainParts', undefined, vscode.ConfigurationTarget.Global);
    }
  });
});
