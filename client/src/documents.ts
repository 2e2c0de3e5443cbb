import * as vscode from 'vscode';

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

/** The editor a command is meant for; tells the person when there is none. */
export function activeEditor(): vscode.TextEditor | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor !== undefined && isOurs(editor.document)) return editor;
  void vscode.window.showInformationMessage(vscode.l10n.t('Parafill: open a file in an editor first.'));
  return undefined;
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
  if (!isCurrent(taken)) {
    return vscode.l10n.t('The document changed meanwhile, so nothing was inserted. Run the command again.');
  }
  const change = new vscode.WorkspaceEdit();
  change.set(taken.document.uri, [...edits]);
  if (await vscode.workspace.applyEdit(change)) return undefined;
  return vscode.l10n.t('The editor refused the change. Is the file read-only?');
}
