import * as assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as vscode from 'vscode';
import { hasBridge, press, renderedTexts, typeKeys } from './bridge';
import {
  closeEverything,
  editorWith,
  eventually,
  openFile,
  parafill,
  rangeOf,
  readyParafill,
  select,
} from './editor';
import { chooseInMessage, endOf, message } from './page';

const COMMAND = 'parafill.regenerateUntilCheckPasses';
const BODY = '{ x: left.x - right.x, y: left.y - right.y }';
/** Passes whatever the model writes, and fails on what is no code at all. */
const LENIENT = '! grep -q "not code" src/vector.ts';

/** What the open diff shows in place of the file; undefined as long as there is none. */
function previewedText(): string | undefined {
  for (const { tabs } of vscode.window.tabGroups.all)
    for (const { input } of tabs)
      if (input instanceof vscode.TabInputTextDiff) {
        const shown = input.modified.toString();
        return vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === shown)?.getText();
      }
  return undefined;
}

/** Selects the body of a function and starts the command. `done` resolves when the command ends. */
async function begin(): Promise<{
  readonly document: vscode.TextDocument;
  readonly original: string;
  readonly done: Thenable<unknown>;
}> {
  const { document } = await openFile('src/vector.ts').then(async (editor) => {
    await select(editor, rangeOf(editor.document, BODY));
    return editor;
  });
  return { document, original: document.getText(), done: vscode.commands.executeCommand(COMMAND) };
}

/** Waits until a box with this title is open and takes keys; where no page can be looked at, at once. */
async function theQuestion(title: RegExp): Promise<void> {
  if (!hasBridge) return;
  await eventually(`a question like ${String(title)}`, async () => {
    const titles = await renderedTexts('.quick-input-title');
    const focused = await renderedTexts('.quick-input-widget input:focus');
    return focused.length > 0 && titles.some((text) => title.test(text));
  });
}

function scratchCopies(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('parafill-check-'));
}

describe('Regenerate Until Check Passes', () => {
  before(readyParafill);

  afterEach(async () => {
    await closeEverything();
    const settings = vscode.workspace.getConfiguration(
      'parafill',
      vscode.workspace.workspaceFolders?.[0]?.uri,
    );
    await settings.update('checkCommand', undefined, vscode.ConfigurationTarget.WorkspaceFolder);
    await settings.update('checkCandidates', undefined, vscode.ConfigurationTarget.Global);
    await settings.update('checkTimeout', undefined, vscode.ConfigurationTarget.Global);
    assert.deepEqual(scratchCopies(), [], 'no scratch copy stays behind');
  });

  async function set(name: string, value: unknown): Promise<void> {
    const target =
      name === 'parafill.checkCommand'
        ? vscode.ConfigurationTarget.WorkspaceFolder
        : vscode.ConfigurationTarget.Global;
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    await vscode.workspace.getConfiguration(undefined, folder).update(name, value, target);
  }

  it('previews the first candidate that passes, writes it on Enter, and goes with one undo', async () => {
    await set('parafill.checkCommand', LENIENT);
    const { document, original, done } = await begin();
    const preview = await eventually('the candidate that passed', () => {
      const text = previewedText();
      return text !== undefined && text !== '' && text !== original && text;
    });
    assert.equal(document.getText(), original, 'nothing is written before it is accepted');
    await theQuestion(/candidate 1 of 8 passed \(.*not code.*, \d+\.\d s\)/);
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await done;
    assert.equal(document.getText(), preview);
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === original);
  });

  it('asks whoever went on with something else before it takes the focus', async function () {
    if (!hasBridge) this.skip();
    await set('parafill.checkCommand', LENIENT);
    const { document, original, done } = await begin();
    const elsewhere = await editorWith('elsewhere|');
    await message(/candidate 1 of 8 passed/);
    assert.equal(vscode.window.activeTextEditor?.document, elsewhere.document);
    assert.equal(previewedText(), undefined);
    await chooseInMessage('Show', () => previewedText() !== undefined);
    await theQuestion(/candidate 1 of 8 passed/);
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await done;
    assert.notEqual(document.getText(), original);
    await vscode.commands.executeCommand('undo');
    await eventually('the text before', () => document.getText() === original);
  });

  it('changes nothing when no candidate passes, and logs the last output', async () => {
    await set('parafill.checkCommand', 'echo the check says no; exit 1');
    await set('parafill.checkCandidates', 2);
    const { document, original, done } = await begin();
    await done;
    assert.equal(document.getText(), original);
    assert.equal(document.isDirty, false);
    const { log } = await parafill();
    assert.ok(
      log.some((line) => line.endsWith('none of 2 candidates passed.')),
      log.slice(-5).join('\n'),
    );
    assert.ok(log.some((line) => line.endsWith('the check says no')));
  });

  const endless: readonly (readonly [name: string, command: string, how: RegExp])[] = [
    ['hangs', 'sleep 1000', /no end within 1 s/],
    ['forks', 'for i in 1 2 3 4 5 6 7 8; do (while :; do sleep 1 & done) & done; wait', /no end within 1 s/],
    ['prints without end', 'yes', /output without end/],
  ];
  for (const [name, command, how] of endless) {
    it(`ends a check that ${name}, and says so`, async () => {
      await set('parafill.checkCommand', command);
      await set('parafill.checkTimeout', name === 'prints without end' ? 60 : 1);
      await set('parafill.checkCandidates', 1);
      const { document, original, done } = await begin();
      await done;
      assert.equal(document.getText(), original);
      assert.equal(document.isDirty, false);
      const { log } = await parafill();
      assert.ok(
        log.some((line) => line.endsWith('none of 1 candidates passed.')),
        log.slice(-5).join('\n'),
      );
      await message(how);
      await vscode.commands.executeCommand('notifications.clearAll');
    });
  }

  it('ends at once, with its check, on Cancel', async function () {
    if (!hasBridge) this.skip();
    await set('parafill.checkCommand', 'sleep 1000');
    const { document, original, done } = await begin();
    await eventually('a running check', () => scratchCopies().length > 0);
    await chooseInMessage('Cancel', endOf(done));
    await done;
    assert.equal(document.getText(), original);
    assert.equal(document.isDirty, false);
  });

  it('gives up when the document changes meanwhile', async () => {
    await set('parafill.checkCommand', 'sleep 1000');
    const { document, original, done } = await begin();
    await eventually('a running check', () => scratchCopies().length > 0);
    const change = new vscode.WorkspaceEdit();
    change.insert(document.uri, new vscode.Position(0, 0), '// changed by someone else\n');
    await vscode.workspace.applyEdit(change);
    await done;
    assert.equal(document.getText(), `// changed by someone else\n${original}`);
  });

  it('asks for the command once and keeps it with the folder', async function () {
    if (!hasBridge) this.skip();
    const { done } = await begin();
    await theQuestion(/check command/);
    await typeKeys(LENIENT);
    await press('Enter');
    await theQuestion(/candidate \d of 8 passed/);
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await done;
    const folder = vscode.workspace.workspaceFolders?.[0];
    const { workspaceFolderValue, workspaceValue } =
      vscode.workspace.getConfiguration(undefined, folder).inspect('parafill.checkCommand') ?? {};
    assert.equal(workspaceFolderValue ?? workspaceValue, LENIENT);
  });
});
