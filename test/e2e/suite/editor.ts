import * as assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { applyToSnapshot } from '../../../client/src/documents';
import type { ParafillApi } from '../../../client/src/extension';
import { hasBridge, screenshot } from './bridge';

const EXTENSION = 'parafill.parafill';
const POLL_MS = 25;
/** A loaded machine may take long for anything; what takes longer than this does not happen. */
const PATIENCE_MS = 60_000;
const LOADING_PATIENCE_MS = 240_000;

/** Waits until the condition gives something, asking again and again; fails with what was waited for. */
export async function eventually<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) {
      const api = await parafill();
      const outcome = JSON.stringify(await api.lastOutcome(), null, 2);
      const log = api.log.slice(-10).join('\n');
      assert.fail(
        `Waited ${timeoutMs} ms for ${what}. ${await pictureOfWindow(what)}The last request: ${outcome}\nThe log:\n${log}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Keeps what the window looks like, which says more than any message, and tells where. */
async function pictureOfWindow(what: string): Promise<string> {
  if (!hasBridge) return '';
  const path = join(tmpdir(), `parafill-e2e-${what.replaceAll(/\W+/g, '-').slice(0, 80)}.png`);
  await screenshot(path);
  return `The window: ${path}\n`;
}

/** The extension under test, activated. */
export async function parafill(): Promise<ParafillApi> {
  const extension = vscode.extensions.getExtension<ParafillApi>(EXTENSION);
  assert.ok(extension, `${EXTENSION} is not installed`);
  return extension.activate();
}

/** The extension with its model loaded, which takes a document. */
export async function readyParafill(): Promise<ParafillApi> {
  const api = await parafill();
  if (vscode.window.activeTextEditor === undefined) await openFile('src/vector.ts');
  await eventually(
    'a loaded model',
    () => {
      const { status } = api;
      // There is no use in waiting for what has failed for good.
      assert.notEqual(status?.kind, 'error', status?.reason);
      return status?.kind === 'ready' || status?.kind === 'slow';
    },
    LOADING_PATIENCE_MS,
  );
  return api;
}

/** A new editor with this text, in the language of the extension. `|` in the text is where the cursor goes. */
export async function editorWith(text: string, language = 'typescript'): Promise<vscode.TextEditor> {
  const cursor = text.indexOf('|');
  assert.ok(cursor >= 0, 'the text has no | for the cursor');
  const content = text.slice(0, cursor) + text.slice(cursor + 1);
  const document = await vscode.workspace.openTextDocument({ language, content });
  const editor = await vscode.window.showTextDocument(document);
  await moveTo(editor, document.positionAt(cursor));
  return editor;
}

/** Opens a file of the workspace. */
export async function openFile(name: string): Promise<vscode.TextEditor> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'no workspace folder is open');
  const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, name));
  return vscode.window.showTextDocument(document);
}

/** A new file of the workspace, opened as the Explorer does with one click: what is shown next replaces its tab. */
export async function previewedFile(name: string, content: string): Promise<vscode.TextEditor> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'no workspace folder is open');
  const uri = vscode.Uri.joinPath(folder.uri, name);
  await vscode.workspace.fs.writeFile(uri, Buffer.from(content));
  await vscode.commands.executeCommand('vscode.open', uri, { preview: true });
  return eventually('the editor of the file', () => {
    const editor = vscode.window.activeTextEditor;
    return editor?.document.uri.toString() === uri.toString() && editor;
  });
}

/** Puts the cursor somewhere and waits until the editor says so: typing goes where the editor has it. */
export async function moveTo(editor: vscode.TextEditor, position: vscode.Position): Promise<void> {
  const selection = new vscode.Selection(position, position);
  await select(editor, selection);
}

/** Selects a range and waits until the editor says so. */
export async function select(editor: vscode.TextEditor, range: vscode.Range): Promise<void> {
  editor.selection = new vscode.Selection(range.start, range.end);
  editor.revealRange(range);
  // A round trip to the window: commands come after the selection that was set before.
  await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
  await eventually('the selection', () => editor.selection.isEqual(range));
}

/** Types as a person does, one key after another. */
export async function type(text: string): Promise<void> {
  for (const character of text) await vscode.commands.executeCommand('type', { text: character });
}

/** Replaces a range of a document that is shown, exactly and as one change. */
export async function replace(
  document: vscode.TextDocument,
  range: vscode.Range,
  text: string,
): Promise<void> {
  const taken = { document, version: document.version };
  assert.equal(await applyToSnapshot(taken, [vscode.TextEdit.replace(range, text)]), undefined);
}

/** The range of the first occurrence of a text. */
export function rangeOf(document: vscode.TextDocument, text: string): vscode.Range {
  const at = document.getText().indexOf(text);
  assert.ok(at >= 0, `the document does not contain ${JSON.stringify(text)}`);
  return new vscode.Range(document.positionAt(at), document.positionAt(at + text.length));
}

/**
 * Closes every editor without asking whether to save. As long as the text of an untitled document is still there,
 * the next one gets its name, and with it the old text.
 */
export async function closeEverything(): Promise<void> {
  // A document that was changed while its editor closed is soon opened once more by VS Code itself.
  await eventually('the end of every editor and untitled document', async () => {
    while (vscode.window.tabGroups.all.some(({ tabs }) => tabs.length > 0))
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    return vscode.workspace.textDocuments.every(({ isUntitled }) => !isUntitled);
  });
}
