import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { ParafillApi } from '../../../client/src/extension';
import { drawnAfterCode, hasBridge, watchDrawnAfterCode } from './bridge';
import { closeEverything, editorWith, eventually, readyParafill } from './editor';

const TEXT = `function area(width: number, height: number): number {
  return ⟦⟧;
}
|`;

describe('visible denoising', () => {
  let api: ParafillApi;
  const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration();
  const set = (name: string, value: unknown): Thenable<void> =>
    settings().update(name, value, vscode.ConfigurationTarget.Global);

  before(async () => {
    api = await readyParafill();
  });

  afterEach(async () => {
    await set('parafill.visibleDenoising', undefined);
    await set('parafill.steps', undefined);
    await set('editor.accessibilitySupport', undefined);
    await closeEverything();
  });

  /** Fills the hole and tells how many states were drawn. */
  async function fill(): Promise<{ readonly states: number; readonly ms: number }> {
    const { document } = await editorWith(TEXT);
    const original = document.getText();
    const before = api.denoising.count;
    const started = Date.now();
    const edits: string[] = [];
    const listening = vscode.workspace.onDidChangeTextDocument((event) => {
      if (event.document === document) edits.push(document.getText());
    });
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    const ms = Date.now() - started;
    await eventually('a filled hole', () => document.getText() !== original);
    listening.dispose();
    assert.equal(edits.length, 1, 'the document changes once, with the answer');
    return { states: api.denoising.count - before, ms };
  }

  it('draws the texts as they come about, ten times a second at most, and writes none of them', async () => {
    const { states, ms } = await fill();
    assert.ok(states >= 1, 'nothing was drawn');
    assert.ok(states <= Math.ceil(ms / 100) + 1, `${states} states in ${ms} ms`);
    const { latest } = api.denoising;
    assert.deepEqual(
      latest?.holes.map(({ start }) => start.line),
      [1],
    );
    if (hasBridge) assert.deepEqual(await drawnAfterCode(), [], 'nothing stays behind');
  });

  it('is drawn beside the hole while it lasts', async function () {
    if (!hasBridge) this.skip();
    // So that it lasts for some frames on any machine.
    await set('parafill.steps', 64);
    await editorWith(`${TEXT.replace('|', '')}${'const value = ⟦⟧;\n'.repeat(6)}|`);
    const drawn = await watchDrawnAfterCode();
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    const texts = await drawn();
    assert.ok(
      texts.some((text) => text.trim() !== ''),
      'no frame had text beside a hole',
    );
    assert.deepEqual(await drawnAfterCode(), [], 'nothing stays behind');
  });

  it('can be switched off, and is off for screen readers unless it is switched on', async () => {
    await set('parafill.visibleDenoising', 'off');
    assert.equal((await fill()).states, 0);
    await set('parafill.visibleDenoising', undefined);
    await set('editor.accessibilitySupport', 'on');
    assert.equal((await fill()).states, 0);
    await set('parafill.visibleDenoising', 'on');
    assert.ok((await fill()).states >= 1);
  });
});
