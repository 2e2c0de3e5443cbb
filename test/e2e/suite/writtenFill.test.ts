import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { closeEverything, editorWith, eventually, replace } from './editor';

describe('a fill that is written', () => {
  afterEach(closeEverything);

  const cases = [
    { before: 'const face = "😀";\n', after: 'const face = "😃";\n' },
    { before: '("😀😀")\n', after: '("😃😀", "😀")\n' },
    { before: 'a("😀");\n', after: '😀a("😃");\n' },
  ];
  for (const { before, after } of cases) {
    it(`never tears a character apart: ${before.trim()} becomes ${after.trim()}`, async () => {
      const { document } = await editorWith(`${before}|`);
      await replace(document, new vscode.Range(0, 0, 1, 0), after);
      assert.equal(document.getText(), after);
      await vscode.commands.executeCommand('undo');
      await eventually('the text before', () => document.getText() === before);
      await vscode.commands.executeCommand('redo');
      await eventually('the text after', () => document.getText() === after);
    });
  }
});
