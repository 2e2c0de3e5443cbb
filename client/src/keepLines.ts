import * as vscode from 'vscode';
import { announce } from './announce';
import type { Config } from './config';
import { activeEditor, isOurs, onDidReallyClose, tell } from './documents';
import { lineAfter } from './lineMarks';

/** A marked line and what it said when it was marked. */
interface KeptLine {
  readonly line: number;
  readonly text: string;
}

/** How long the status bar says what a command did. */
const MESSAGE_MS = 4_000;

/**
 * The lines that Regenerate Selection must leave as they are. A mark moves with the edits around it and ends with
 * the first edit of its line: the person marked that text and no other.
 */
export class KeptLines implements vscode.Disposable {
  private readonly marks = new Map<string, readonly KeptLine[]>();
  private readonly type: vscode.TextEditorDecorationType;
  private readonly disposables: { dispose(): unknown }[] = [];

  constructor(extensionUri: vscode.Uri) {
    const icon = (theme: string): vscode.Uri => vscode.Uri.joinPath(extensionUri, `media/keep-${theme}.svg`);
    this.type = vscode.window.createTextEditorDecorationType({
      isWholeLine: true,
      backgroundColor: new vscode.ThemeColor('parafill.keptLineBackground'),
      borderWidth: '0 0 0 2px',
      borderStyle: 'solid',
      borderColor: new vscode.ThemeColor('parafill.keptLineBorder'),
      gutterIconSize: 'contain',
      light: { gutterIconPath: icon('light') },
      dark: { gutterIconPath: icon('dark') },
      overviewRulerColor: new vscode.ThemeColor('parafill.keptLineBorder'),
      overviewRulerLane: vscode.OverviewRulerLane.Left,
      rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    });
    this.disposables.push(
      this.type,
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        this.follow(document, contentChanges);
      }),
      onDidReallyClose((document) => this.marks.delete(document.uri.toString())),
      vscode.window.onDidChangeVisibleTextEditors((editors) => {
        for (const editor of editors) this.decorate(editor);
      }),
    );
  }

  /** The numbers of the marked lines, ascending. */
  of(document: vscode.TextDocument): readonly number[] {
    return this.marksOf(document).map(({ line }) => line);
  }

  /** Marks these lines, or takes their marks away when all of them have one. */
  toggle(document: vscode.TextDocument, lines: readonly number[]): void {
    const marked = new Set(this.of(document));
    const wanted = lines.every((line) => marked.has(line))
      ? [...marked].filter((line) => !lines.includes(line))
      : [...new Set([...marked, ...lines])].sort((a, b) => a - b);
    this.set(
      document,
      wanted.map((line) => ({ line, text: document.lineAt(line).text })),
    );
  }

  clear(document: vscode.TextDocument): void {
    this.set(document, []);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private marksOf(document: vscode.TextDocument): readonly KeptLine[] {
    return this.marks.get(document.uri.toString()) ?? [];
  }

  private set(document: vscode.TextDocument, marks: readonly KeptLine[]): void {
    if (marks.length === 0) this.marks.delete(document.uri.toString());
    else this.marks.set(document.uri.toString(), marks);
    for (const editor of vscode.window.visibleTextEditors)
      if (editor.document === document) this.decorate(editor);
  }

  private follow(
    document: vscode.TextDocument,
    changes: readonly vscode.TextDocumentContentChangeEvent[],
  ): void {
    const marks = this.marksOf(document);
    if (marks.length === 0 || changes.length === 0) return;
    const followed = marks.flatMap(({ line, text }) => {
      const now = lineAfter(line, changes);
      return now !== undefined && now < document.lineCount && document.lineAt(now).text === text
        ? [{ line: now, text }]
        : [];
    });
    this.set(document, followed);
  }

  private decorate(editor: vscode.TextEditor): void {
    const { document } = editor;
    if (!isOurs(document)) return;
    const hoverMessage = vscode.l10n.t(
      'Kept: Parafill regenerates the lines around this one and leaves it as it is.',
    );
    editor.setDecorations(
      this.type,
      this.of(document).map((line) => ({ range: document.lineAt(line).range, hoverMessage })),
    );
  }
}

/** Registers Keep Lines and Clear Kept Lines. */
export function registerKeepLines(kept: KeptLines, config: Config): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand('parafill.keepLines', (argument?: unknown) => {
      keepLines(kept, config, argument);
    }),
    vscode.commands.registerCommand('parafill.clearKeptLines', () => {
      clearKeptLines(kept);
    }),
  );
}

/** Toggles the selected lines, or the line whose number was clicked. */
function keepLines(kept: KeptLines, config: Config, argument: unknown): void {
  const editor = activeEditor();
  if (editor === undefined) return;
  const { document } = editor;
  kept.toggle(document, clickedLine(argument, document) ?? selectedLines(editor.selections));
  const count = kept.of(document).length;
  const message =
    count === 1 ? vscode.l10n.t('one line is kept.') : vscode.l10n.t('{0} lines are kept.', count);
  vscode.window.setStatusBarMessage(`$(lock) Parafill: ${message}`, MESSAGE_MS);
  announce(config, message);
}

function clearKeptLines(kept: KeptLines): void {
  const editor = activeEditor();
  if (editor === undefined) return;
  if (kept.of(editor.document).length === 0) tell(vscode.l10n.t('no line of this document is kept.'));
  kept.clear(editor.document);
}

/** Every line that is touched, except one whose beginning is merely where a selection of whole lines ends. */
function selectedLines(selections: readonly vscode.Selection[]): readonly number[] {
  const lines = new Set<number>();
  for (const { start, end, isSingleLine } of selections) {
    const last = !isSingleLine && end.character === 0 ? end.line - 1 : end.line;
    for (let line = start.line; line <= last; line++) lines.add(line);
  }
  return [...lines];
}

/** The menu of the line numbers says which one it was opened on, counting from one. */
function clickedLine(argument: unknown, document: vscode.TextDocument): readonly number[] | undefined {
  if (typeof argument !== 'object' || argument === null || !('lineNumber' in argument)) return undefined;
  const { lineNumber } = argument;
  if (typeof lineNumber !== 'number' || lineNumber < 1 || lineNumber > document.lineCount) return undefined;
  return [lineNumber - 1];
}
