import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasBridge, renderedTexts } from './bridge';
import {
  closeEverything,
  editorWith,
  eventually,
  openFile,
  previewedFile,
  rangeOf,
  readyParafill,
  select,
} from './editor';
import { message, pressToEnd } from './page';
import { hasDiff, previewedText, previewOf } from './preview';

const BODY = '{ x: left.x - right.x, y: left.y - right.y }';

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
  return { editor, original, ...(await previewOf('parafill.regenerateSelection', original)) };
}

describe('Regenerate Selection', () => {
  before(readyParafill);
  afterEach(closeEverything);

  it('previews a candidate as a diff, writes it when accepted, and goes with one undo', async () => {
    const { editor, original, preview, done } = await regenerate();
    const { document } = editor;
    assert.equal(document.getText(), original, 'a preview must not touch the document');
    const start = original.indexOf(BODY);
    const rest = original.slice(start + BODY.length);
    assert.ok(preview.startsWith(original.slice(0, start)) && preview.endsWith(rest));

    if (hasBridge) await pressToEnd('Control+Enter', done);
    else await vscode.commands.executeCommand('parafill.acceptCandidate');
    await done;
    assert.equal(document.getText(), preview);
    assert.equal(hasDiff(), false, 'the diff is closed again');

    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === original);
  });

  it('goes through the candidates, forth and back, with more on request', async () => {
    const { editor, original, preview, done } = await regenerate();
    // Another seed gives other candidates, and the first of them is shown.
    await vscode.commands.executeCommand('parafill.moreCandidates');
    const other = await eventually('another candidate', () => {
      const text = previewedText(original);
      return text !== preview && text;
    });
    await vscode.commands.executeCommand('parafill.previousCandidate');
    await eventually('the candidate before it', () => previewedText(original) !== other);
    await vscode.commands.executeCommand('parafill.nextCandidate');
    await eventually('the same candidate again', () => previewedText(original) === other);
    if (hasBridge) {
      const [shown] = (await renderedTexts('.statusbar-item')).filter((text) => text.includes('Candidate'));
      assert.match(shown ?? '', /Candidate \d+ of \d+ · .*score rank \d+ · .*characters/);
    }
    await vscode.commands.executeCommand('parafill.acceptCandidate');
    await done;
    assert.equal(editor.document.getText(), other);
  });

  it('leaves the text as it is on Esc', async () => {
    const { editor, original, done } = await regenerate();
    if (hasBridge) await pressToEnd('Escape', done);
    else await vscode.commands.executeCommand('parafill.discardCandidates');
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

  it('leaves the text as it is when the diff is closed', async () => {
    const { editor, original, done } = await regenerate();
    await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
    await done;
    assert.equal(editor.document.getText(), original);
    assert.equal(editor.document.isDirty, false);
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

  for (const [decision, command] of [
    ['accepted', 'parafill.acceptCandidate'],
    ['discarded', 'parafill.discardCandidates'],
  ] as const)
    it(`leaves a file open that was only glanced at, when a candidate is ${decision}`, async () => {
      const text = `const left = 1;\nconst sum = left + left;\n`;
      const editor = await previewedFile(`glance-${decision}.ts`, text);
      const { document } = editor;
      try {
        assert.equal(vscode.window.tabGroups.activeTabGroup.activeTab?.isPreview, true);
        await select(editor, rangeOf(document, 'left + left'));
        const { preview, done } = await previewOf('parafill.regenerateSelection', text);
        await vscode.commands.executeCommand(command);
        await done;
        assert.equal(document.isClosed, false);
        assert.equal(vscode.window.activeTextEditor?.document, document);
        assert.equal(document.getText(), decision === 'accepted' ? preview : text);
      } finally {
        await closeEverything();
        await vscode.workspace.fs.delete(document.uri);
      }
    });

  it('leaves the focus where somebody writes when the document changes meanwhile', async () => {
    const { editor, done } = await regenerate();
    await vscode.commands.executeCommand('workbench.action.newGroupRight');
    const elsewhere = await editorWith('elsewhere|');
    const change = new vscode.WorkspaceEdit();
    change.insert(editor.document.uri, new vscode.Position(0, 0), '// changed by someone else\n');
    await vscode.workspace.applyEdit(change);
    await done;
    assert.equal(vscode.window.activeTextEditor?.document, elsewhere.document);
    assert.equal(hasDiff(), false);
  });

  it('stops looking for more candidates with the decision', async () => {
    await vscode.commands.executeCommand('notifications.clearAll');
    const { editor, original, done } = await regenerate();
    const more = vscode.commands.executeCommand('parafill.moreCandidates');
    await vscode.commands.executeCommand('parafill.acceptCandidate');
    await done;
    await more;
    assert.notEqual(editor.document.getText(), original);
    if (hasBridge) {
      await vscode.commands.executeCommand('notifications.showList');
      const messages = await renderedTexts('.notification-list-item');
      assert.deepEqual(
        messages.filter((text) => /changed|other candidate/.test(text)),
        [],
      );
      await vscode.commands.executeCommand('notifications.hideList');
    }
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

  it('has nothing to do without a selection or without candidates, and says so', async () => {
    const editor = await openFile('src/vector.ts');
    const original = editor.document.getText();
    await select(editor, new vscode.Range(0, 0, 0, 0));
    await vscode.commands.executeCommand('parafill.regenerateSelection');
    await vscode.commands.executeCommand('parafill.acceptCandidate');
    await message(/select the code to regenerate first/);
    await message(/there are no candidates/);
    await vscode.commands.executeCommand('notifications.clearAll');
    assert.equal(editor.document.getText(), original);
  });
});
