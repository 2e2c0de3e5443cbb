import * as vscode from 'vscode';
import type { FillProgress } from '../../server/src/protocol';
import type { Config } from './config';
import { isCurrent, toRange, type Snapshot } from './documents';

/** Longer text on one line would only push the window aside. */
const LONGEST_DRAWN = 160;

/** One fill in the making. */
export interface Drawing {
  readonly draw: (progress: FillProgress) => void;
  /** Takes everything away that was drawn. */
  readonly end: () => void;
}

/**
 * Shows how the texts of holes come about, token by token, as ghost text beside what is there now. It is drawn and
 * never written: the document does not change before the fill is accepted.
 */
export class DenoisingView implements vscode.Disposable {
  private readonly coming = vscode.window.createTextEditorDecorationType({
    opacity: '0.4',
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private latest: FillProgress | undefined;
  private count = 0;

  constructor(private readonly config: Config) {}

  /** How many states were drawn so far, and the latest; for tests. */
  get drawn(): { readonly count: number; readonly latest: FillProgress | undefined } {
    return { count: this.count, latest: this.latest };
  }

  /** Undefined when the person does not want to see it. */
  begin(taken: Snapshot): Drawing | undefined {
    if (!this.config.showsDenoising) return undefined;
    const editors = (): readonly vscode.TextEditor[] =>
      vscode.window.visibleTextEditors.filter(({ document }) => document === taken.document);
    return {
      draw: (progress) => {
        // The places are those of the version that was asked about.
        if (!isCurrent(taken)) return;
        this.latest = progress;
        this.count += 1;
        const decorations = progress.holes.flatMap((hole, i) =>
          linesOf(taken.document, toRange(hole), progress.fills[i] ?? ''),
        );
        for (const editor of editors()) editor.setDecorations(this.coming, decorations);
      },
      end: () => {
        for (const editor of editors()) editor.setDecorations(this.coming, []);
      },
    };
  }

  dispose(): void {
    this.coming.dispose();
  }
}

/** The lines of a text, each beside a line of the hole it will replace; the last takes what is left. */
function linesOf(
  document: vscode.TextDocument,
  hole: vscode.Range,
  fill: string,
): vscode.DecorationOptions[] {
  const texts = fill.split('\n');
  const decorations: vscode.DecorationOptions[] = [];
  for (let line = hole.start.line; line <= hole.end.line; line++) {
    const range = hole.intersection(document.lineAt(line).range) ?? new vscode.Range(hole.end, hole.end);
    const isLast = line === hole.end.line;
    const text = isLast ? texts.splice(0).join(' ⏎ ') : (texts.shift() ?? '');
    const shown = text.length > LONGEST_DRAWN ? `${text.slice(0, LONGEST_DRAWN)}…` : text;
    decorations.push({
      range,
      renderOptions: {
        after: {
          // Ordinary blanks at the ends would not be drawn.
          contentText: shown.replaceAll(' ', '\u00a0'),
          color: new vscode.ThemeColor('editorGhostText.foreground'),
          fontStyle: 'italic',
          margin: '0 0 0 0.3em',
        },
      },
    });
  }
  return decorations;
}
