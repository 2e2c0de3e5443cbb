import * as vscode from 'vscode';
import type { ProtocolRange } from '../../server/src/protocol';

/**
 * Documents a person writes code in. Output panels, diffs of the past and our own previews are none, and every
 * language is welcome: the settings say where completion is wanted.
 */
export const DOCUMENTS: readonly { readonly scheme: string }[] = [
  { scheme: 'file' },
  { scheme: 'untitled' },
  { scheme: 'vscode-notebook-cell' },
];

/** Whether Parafill works in this document. */
export function isOurs(document: vscode.TextDocument): boolean {
  return DOCUMENTS.some(({ scheme }) => scheme === document.uri.scheme);
}

/** Hears of documents that are gone; a change of language closes them, too, and opens them again. */
export function onDidReallyClose(listener: (document: vscode.TextDocument) => void): vscode.Disposable {
  return vscode.workspace.onDidCloseTextDocument((document) => {
    if (!vscode.workspace.textDocuments.includes(document)) listener(document);
  });
}

/** The editor a command is meant for; tells the person when there is none. */
export function activeEditor(): vscode.TextEditor | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor !== undefined && isOurs(editor.document)) return editor;
  tell(
    editor === undefined
      ? vscode.l10n.t('open a file in an editor first.')
      : vscode.l10n.t(
          'it works in files, untitled documents and notebook cells, not in documents of the kind "{0}".',
          editor.document.uri.scheme,
        ),
  );
  return undefined;
}

/** The same for commands that write: computing a fill for a document that takes none would be in vain. */
export async function writableEditor(): Promise<vscode.TextEditor | undefined> {
  const editor = activeEditor();
  if (editor === undefined) return undefined;
  if (await isWritable(editor.document.uri)) return editor;
  tell(vscode.l10n.t('{0} is read-only, so nothing can be written into it.', nameOf(editor.document)));
  return undefined;
}

/**
 * Keeps the active tab open. The next thing to be shown replaces a tab whose title is in italics, and with it its
 * document is closed.
 */
export async function keepActiveTab(): Promise<void> {
  if (vscode.window.tabGroups.activeTabGroup.activeTab?.isPreview === true)
    await vscode.commands.executeCommand('workbench.action.keepEditor');
}

/** A sentence for the person, in a notification. */
export function tell(sentence: string): void {
  void vscode.window.showInformationMessage(`Parafill: ${sentence}`);
}

/** The same for what somebody wanted and did not get. */
export function warn(sentence: string): void {
  void vscode.window.showWarningMessage(`Parafill: ${sentence}`);
}

/** The name a tab shows. */
export function nameOf(document: vscode.TextDocument): string {
  return document.uri.path.slice(document.uri.path.lastIndexOf('/') + 1);
}

/** A document at the version it has now. */
export interface Snapshot {
  readonly document: vscode.TextDocument;
  readonly version: number;
}

/** Remembers the version of a document, so that later ranges can be checked against it. */
export function snapshot(document: vscode.TextDocument): Snapshot {
  return { document, version: document.version };
}

/** Whether ranges computed for the snapshot still point at the same text. */
export function isCurrent({ document, version }: Snapshot): boolean {
  return !document.isClosed && document.version === version;
}

/**
 * Applies edits that were computed for a snapshot as one change with one undo. Returns the reason in words when
 * nothing was changed: a document that moved on is never edited at the wrong place.
 */
export async function applyToSnapshot(
  taken: Snapshot,
  edits: readonly vscode.TextEdit[],
): Promise<string | undefined> {
  if (taken.document.isClosed)
    return vscode.l10n.t('The document was closed meanwhile, so nothing was inserted.');
  if (!isCurrent(taken)) {
    return vscode.l10n.t('The document changed meanwhile, so nothing was inserted. Run the command again.');
  }
  return apply(taken.document, edits);
}

/**
 * Of a workspace edit in the active editor VS Code writes only the UTF-16 units that differ, which tears an emoji
 * apart that is replaced by a similar one. An editor that is asked itself writes what it is given.
 */
async function apply(
  document: vscode.TextDocument,
  edits: readonly vscode.TextEdit[],
): Promise<string | undefined> {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  const editor = [activeTextEditor, ...visibleTextEditors].find((shown) => shown?.document === document);
  if (editor !== undefined) {
    return editIn(editor, (builder) => {
      for (const { range, newText } of edits) builder.replace(range, newText);
    });
  }
  const change = new vscode.WorkspaceEdit();
  change.set(document.uri, [...edits]);
  return (await vscode.workspace.applyEdit(change)) ? undefined : refused();
}

/** Edits as one change; the reason in words when nothing was changed. */
export async function editIn(
  editor: vscode.TextEditor,
  write: (builder: vscode.TextEditorEdit) => void,
): Promise<string | undefined> {
  const { document } = editor;
  const { version } = document;
  try {
    // In a read-only editor VS Code leaves the text alone and yet says that all went well.
    return (await editor.edit(write)) && document.version !== version ? undefined : refused();
  } catch {
    // An editor that is gone rejects instead of refusing.
    return vscode.l10n.t('The editor was closed meanwhile, so nothing was inserted.');
  }
}

function refused(): string {
  return vscode.l10n.t('The editor refused the change. Is the file read-only?');
}

export function toProtocol({ start, end }: vscode.Range): ProtocolRange {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

export function toRange({ start, end }: ProtocolRange): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

/** A file that was deleted still has its text in the editor, and may be saved again. */
async function isWritable(uri: vscode.Uri): Promise<boolean> {
  if (uri.scheme !== 'file') return true;
  if (vscode.workspace.fs.isWritableFileSystem(uri.scheme) === false) return false;
  try {
    const { permissions } = await vscode.workspace.fs.stat(uri);
    return permissions !== vscode.FilePermission.Readonly;
  } catch {
    return true;
  }
}
