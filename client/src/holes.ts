import * as vscode from 'vscode';
import { HOLE_CLOSE, HOLE_OPEN, type FillHolesFilled, type FillHolesResult } from '../../server/src/protocol';
import type { Client } from './client';
import { activeEditor, applyToSnapshot, isOurs, snapshot } from './documents';

/** Beyond this many UTF-16 units looking for markers at every keystroke is not worth it. */
const MAX_DECORATED_LENGTH = 2_000_000;

/** A marker as the server reads it: the two brackets, with nothing, blanks or a size in tokens between. */
const MARKER = new RegExp(`${HOLE_OPEN}[ \\t]*\\d{0,4}[ \\t]*${HOLE_CLOSE}`, 'g');

/** Where the holes of a document are, in its order. */
export function findHoles(document: vscode.TextDocument): vscode.Range[] {
  return [...document.getText().matchAll(MARKER)].map(
    ({ index, 0: { length } }) =>
      new vscode.Range(document.positionAt(index), document.positionAt(index + length)),
  );
}

/** Registers Insert Hole, Go to Next Hole and Fill All Holes. */
export function registerHoleCommands(client: Client): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand('parafill.insertHole', insertHole),
    vscode.commands.registerCommand('parafill.nextHole', goToNextHole),
    vscode.commands.registerCommand('parafill.fillAllHoles', () => fillAllHoles(client)),
  );
}

/** Puts a hole at every cursor, in place of what is selected there. */
async function insertHole(): Promise<void> {
  const editor = activeEditor();
  if (editor === undefined) return;
  await editor.edit((builder) => {
    for (const selection of editor.selections) builder.replace(selection, HOLE_OPEN + HOLE_CLOSE);
  });
  // What was replaced is selected afterwards; the next key must not overwrite the hole.
  editor.selections = editor.selections.map(({ end }) => new vscode.Selection(end, end));
}

/** Selects the next hole after the cursor; after the last one comes the first. */
function goToNextHole(): void {
  const editor = activeEditor();
  if (editor === undefined) return;
  const holes = findHoles(editor.document);
  // A selected hole was visited already, so the search goes on behind it.
  const from = editor.selection.isEmpty ? editor.selection.active : editor.selection.end;
  const next = holes.find(({ start }) => start.isAfterOrEqual(from)) ?? holes[0];
  if (next === undefined) {
    sayNoHoles();
    return;
  }
  editor.selection = new vscode.Selection(next.start, next.end);
  editor.revealRange(next, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** Fills the holes of the selection, or of the whole document, jointly and as one change. */
async function fillAllHoles(client: Client): Promise<void> {
  const editor = activeEditor();
  if (editor === undefined) return;
  const { document, selection } = editor;
  const holes = findHoles(document);
  const within = holes.some((hole) => !selection.isEmpty && selection.contains(hole)) ? selection : undefined;
  const wanted = within === undefined ? holes : holes.filter((hole) => within.contains(hole));
  if (wanted.length === 0) {
    sayNoHoles();
    return;
  }

  const taken = snapshot(document);
  const title =
    wanted.length === 1
      ? vscode.l10n.t('Parafill: filling one hole')
      : vscode.l10n.t('Parafill: filling {0} holes', wanted.length);
  const result = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    (_progress, token) =>
      client.fillHoles(
        {
          textDocument: client.asVersioned(document),
          ...(within === undefined ? {} : { within: toProtocol(within) }),
        },
        token,
      ),
  );
  if (result.kind !== 'filled') {
    explainNoFill(result);
    return;
  }
  const problem = await applyToSnapshot(taken, editsOf(result));
  if (problem !== undefined) void vscode.window.showWarningMessage(`Parafill: ${problem}`);
}

function editsOf(result: FillHolesFilled): vscode.TextEdit[] {
  const best = result.candidates[0];
  return (best?.edits ?? []).map(({ range, newText }) => {
    const { start, end } = range;
    return vscode.TextEdit.replace(
      new vscode.Range(start.line, start.character, end.line, end.character),
      newText,
    );
  });
}

function explainNoFill(result: Exclude<FillHolesResult, FillHolesFilled>): void {
  // The person cancelled and knows it.
  if (result.kind === 'cancelled') return;
  const text = `Parafill: ${result.reason}`;
  if (result.kind === 'failed') void vscode.window.showErrorMessage(text);
  else void vscode.window.showInformationMessage(text);
}

function sayNoHoles(): void {
  void vscode.window.showInformationMessage(
    vscode.l10n.t('Parafill: there is no hole here. Mark one with {0} (Parafill: Insert Hole).', '⟦⟧'),
  );
}

function toProtocol({ start, end }: vscode.Range): {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
} {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

/**
 * Frames the holes of the visible editors. The grammar in syntaxes/ colours them too, but not every language's
 * grammar lets itself be injected into, and a theme may leave its scope uncoloured.
 */
export class HoleDecorations implements vscode.Disposable {
  private readonly type = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor('parafill.holeBackground'),
    borderRadius: '3px',
    border: '1px dashed',
    borderColor: new vscode.ThemeColor('parafill.holeBorder'),
    overviewRulerColor: new vscode.ThemeColor('parafill.holeBorder'),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private readonly disposables: { dispose(): unknown }[] = [this.type];

  constructor() {
    this.disposables.push(
      vscode.window.onDidChangeVisibleTextEditors((editors) => {
        for (const editor of editors) this.decorate(editor);
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        for (const editor of vscode.window.visibleTextEditors)
          if (editor.document === document) this.decorate(editor);
      }),
    );
    for (const editor of vscode.window.visibleTextEditors) this.decorate(editor);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private decorate(editor: vscode.TextEditor): void {
    const { document } = editor;
    if (!isOurs(document)) return;
    const tooLong =
      document.offsetAt(document.lineAt(document.lineCount - 1).range.end) > MAX_DECORATED_LENGTH;
    editor.setDecorations(this.type, tooLong ? [] : findHoles(document));
  }
}
