import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasBridge, renderedCount, renderedTexts } from './bridge';
import { closeEverything, editorWith, eventually, moveTo, rangeOf, readyParafill, select } from './editor';

const TWO_HOLES = `function area(width: number, height: number): number {
  return ⟦⟧;
}

function perimeter(width: number, height: number): number {
  return ⟦⟧;
}
|`;

describe('holes', () => {
  before(readyParafill);
  afterEach(closeEverything);

  it('are filled jointly as one change that goes with one undo', async () => {
    const { document } = await editorWith(TWO_HOLES);
    const original = document.getText();
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    const filled = await eventually('two filled holes', () => {
      const text = document.getText();
      return text !== original && text;
    });
    assert.doesNotMatch(filled, /[⟦⟧]/, 'both holes are filled at once');
    const pattern = original.trimEnd().split('⟦⟧');
    let from = 0;
    for (const part of pattern) {
      const at = filled.indexOf(part, from);
      assert.ok(at >= 0, `the text around the holes changed: ${filled}`);
      from = at + part.length;
    }
    await vscode.commands.executeCommand('undo');
    await eventually('the text before filling', () => document.getText() === original);
  });

  it('keep CRLF line ends and characters beyond the basic plane', async () => {
    const text = `// 🎈 ünï\nfunction twice(value: number): number {\n  return ⟦⟧;\n}\n`;
    const editor = await editorWith(`|${text}`);
    const { document } = editor;
    await editor.edit((builder) => {
      builder.setEndOfLine(vscode.EndOfLine.CRLF);
    });
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await eventually('a filled hole', () => !document.getText().includes('⟦'));
    assert.ok(
      document.getText().startsWith('// 🎈 ünï\r\nfunction twice(value: number): number {\r\n  return '),
    );
    assert.doesNotMatch(document.getText(), /[^\r]\n/);
  });

  it('of the selection only are filled when something is selected', async () => {
    const editor = await editorWith(TWO_HOLES);
    const { document } = editor;
    editor.selection = new vscode.Selection(0, 0, 3, 0);
    await eventually('the selection', () => !editor.selection.isEmpty);
    await vscode.commands.executeCommand('parafill.fillAllHoles');
    await eventually('one filled hole', () => document.getText().split('⟦⟧').length === 2);
    assert.match(document.lineAt(5).text, /return ⟦⟧;/);
  });

  it('are inserted at every cursor and visited in order', async () => {
    const editor = await editorWith('const a = |;\nconst b = ;\n');
    editor.selections = [new vscode.Selection(0, 10, 0, 10), new vscode.Selection(1, 10, 1, 10)];
    await eventually('two cursors', () => editor.selections.length === 2);
    await vscode.commands.executeCommand('parafill.insertHole');
    await eventually('two holes', () => editor.document.getText() === 'const a = ⟦⟧;\nconst b = ⟦⟧;\n');

    await moveTo(editor, new vscode.Position(0, 0));
    const visit = async (command: string, line: number): Promise<void> => {
      await vscode.commands.executeCommand(command);
      const expected = new vscode.Selection(line, 10, line, 12);
      await eventually(`the hole in line ${line}`, () => editor.selection.isEqual(expected));
    };
    // Around the end of the document and around its beginning.
    for (const line of [0, 1, 0]) await visit('parafill.nextHole', line);
    for (const line of [1, 0, 1]) await visit('parafill.previousHole', line);
  });

  it('tell on hover what will become of them and how long that may be', async () => {
    const editor = await editorWith('const a = ⟦⟧;\nconst b = ⟦16⟧;\nconst c = ⟦9000⟧;\n|');
    const { document } = editor;
    const hoverIn = async (line: number): Promise<string> => {
      const hovers = await vscode.commands.executeCommand<readonly vscode.Hover[]>(
        'vscode.executeHoverProvider',
        document.uri,
        new vscode.Position(line, 11),
      );
      const contents = hovers.flatMap((hover) => hover.contents);
      return contents
        .map((content) => (content instanceof vscode.MarkdownString ? content.value : ''))
        .join('\n');
    };
    const first = await hoverIn(0);
    assert.match(first, /Hole 1 of 3.*at most 64 tokens/);
    assert.match(first, /all 3 holes together/);
    assert.match(first, /\(command:parafill\.fillAllHoles\)/);
    assert.match(await hoverIn(1), /Hole 2 of 3.*at most 16 tokens/);
    assert.match(await hoverIn(2), /at most 128 tokens, which is the most/);
    // To go to a hole selects it.
    await select(editor, rangeOf(document, '⟦16⟧'));
    assert.match(await hoverIn(1), /fills the one that is selected; all 3 together where none is/);
  });

  it('stand out in every language', async function () {
    if (!hasBridge) this.skip();
    for (const language of ['typescript', 'python', 'plaintext']) {
      await editorWith('value = ⟦⟧\n|', language);
      // Decorations with a border are drawn beneath the text, as elements of their own.
      await eventually(`a framed hole in ${language}`, async () => {
        return (await renderedCount('.view-overlays .cdr', 'border-top-style', 'dashed')) === 1;
      });
      await closeEverything();
    }
  });

  it('have a scope of their own, for themes, in code as in comments', async function () {
    if (!hasBridge) this.skip();
    for (const text of ['const a = ⟦16|⟧;\n', '// Says ⟦16|⟧.\n']) {
      await editorWith(text);
      await vscode.commands.executeCommand('editor.action.inspectTMScopes');
      await eventually(`the scopes in ${text}`, async () =>
        (await renderedTexts('.token-inspect-widget')).some((scopes) =>
          /punctuation\.definition\.hole\.end\.parafill[^]*keyword\.other\.hole\.parafill/.test(scopes),
        ),
      );
      await vscode.commands.executeCommand('editor.action.inspectTMScopes');
      await closeEverything();
    }
  });
});
