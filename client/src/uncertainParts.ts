import * as vscode from 'vscode';
import type { TextSpan } from '../../server/src/protocol';
import type { Client } from './client';
import type { Config } from './config';
import { DOCUMENTS, isOurs, onDidReallyClose, snapshot, tell, toProtocol, writableEditor } from './documents';
import { tellWhyNot, type Fills } from './fills';
import type { FillTarget } from './fillTarget';
import type { KeptLines } from './keepLines';
import { spansAfter, type Span } from './spanMarks';
import { writtenRanges, type OffsetEdit } from './textEdits';

const COMMAND = 'parafill.resampleUncertain';

/**
 * The parts of accepted fills that the model was unsure of, underlined with dots until the first edit there.
 */
export class UncertainParts implements vscode.Disposable {
  private readonly marks = new Map<string, readonly Span[]>();
  private readonly type = vscode.window.createTextEditorDecorationType({
    borderStyle: 'dotted',
    borderWidth: '0 0 2px 0',
    borderColor: new vscode.ThemeColor('parafill.uncertainBorder'),
    overviewRulerColor: new vscode.ThemeColor('parafill.uncertainBorder'),
    overviewRulerLane: vscode.OverviewRulerLane.Right,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private readonly disposables: { dispose(): unknown }[] = [this.type];

  constructor(private readonly config: Config) {
    this.disposables.push(
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        const spans = this.spansOf(document);
        if (spans.length > 0 && contentChanges.length > 0)
          this.set(document, spansAfter(spans, contentChanges));
      }),
      onDidReallyClose((document) => this.marks.delete(document.uri.toString())),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('parafill.showUncertainParts')) this.decorateAll();
      }),
      vscode.window.onDidChangeVisibleTextEditors(() => {
        this.decorateAll();
      }),
    );
  }

  /** The parts that are marked, in the order of the document; none while the person does not want to see them. */
  in(document: vscode.TextDocument): readonly vscode.Range[] {
    if (!this.config.showsUncertainParts) return [];
    return this.spansOf(document).map(
      ({ start, end }) => new vscode.Range(document.positionAt(start), document.positionAt(end)),
    );
  }

  /**
   * Marks parts of what was just written.
   *
   * @param uncertain for each edit, the parts of its new text
   */
  mark(
    document: vscode.TextDocument,
    edits: readonly OffsetEdit[],
    uncertain: readonly (readonly TextSpan[])[],
  ): void {
    const text = document.getText();
    const fresh = writtenRanges(edits).flatMap((written, i) => {
      // Something else may have been typed by now.
      if (text.slice(written.start, written.end) !== edits[i]?.newText) return [];
      return (uncertain[i] ?? []).flatMap(({ start, end }) =>
        wordsOf(text, { start: written.start + start, end: written.start + end }),
      );
    });
    this.set(
      document,
      [...this.spansOf(document), ...fresh].sort((a, b) => a.start - b.start),
    );
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private spansOf(document: vscode.TextDocument): readonly Span[] {
    return this.marks.get(document.uri.toString()) ?? [];
  }

  private set(document: vscode.TextDocument, spans: readonly Span[]): void {
    if (spans.length === 0) this.marks.delete(document.uri.toString());
    else this.marks.set(document.uri.toString(), spans);
    this.decorateAll();
  }

  private decorateAll(): void {
    const hoverMessage = vscode.l10n.t(
      'Parafill was unsure here: "Re-sample Uncertain Parts" writes something else.',
    );
    for (const editor of vscode.window.visibleTextEditors)
      if (isOurs(editor.document))
        editor.setDecorations(
          this.type,
          this.in(editor.document).map((range) => ({ range, hoverMessage })),
        );
  }
}

/** The span without the white space at its ends, which nobody is unsure of; nothing where that is all. */
function wordsOf(text: string, { start, end }: Span): readonly Span[] {
  const content = text.slice(start, end);
  const words = content.trim();
  const from = start + content.length - content.trimStart().length;
  return words === '' ? [] : [{ start: from, end: from + words.length }];
}

/** Registers Re-sample Uncertain Parts, as a command and as a quick fix where such parts are. */
export function registerUncertainParts(
  client: Client,
  fills: Fills,
  parts: UncertainParts,
  kept: KeptLines,
): vscode.Disposable {
  const kind = vscode.CodeActionKind.QuickFix.append('parafill');
  const title = vscode.l10n.t('Re-sample Uncertain Parts');
  let seed = 0;
  return vscode.Disposable.from(
    vscode.commands.registerCommand(COMMAND, () => {
      // Every time another seed: who asks again wants something else again.
      seed += 1;
      return resample(client, fills, parts, kept, seed);
    }),
    vscode.languages.registerCodeActionsProvider(
      [...DOCUMENTS],
      {
        provideCodeActions(document, range) {
          if (!parts.in(document).some((part) => part.intersection(range) !== undefined)) return [];
          const action = new vscode.CodeAction(title, kind);
          action.command = { command: COMMAND, title };
          return [action];
        },
      },
      { providedCodeActionKinds: [kind] },
    ),
  );
}

/** Fills the marked parts of the active document jointly once more, as one change. */
async function resample(
  client: Client,
  fills: Fills,
  parts: UncertainParts,
  keptLines: KeptLines,
  seed: number,
): Promise<void> {
  const editor = await writableEditor();
  if (editor === undefined) return;
  const { document } = editor;
  const kept = keptLines.of(document);
  const marked = parts.in(document);
  const ranges = marked.filter(({ start, end }) =>
    kept.every((line) => line < start.line || line > end.line),
  );
  if (ranges.length === 0) {
    tell(
      marked.length === 0
        ? vscode.l10n.t('no part of this document is marked as uncertain.')
        : vscode.l10n.t('nothing is left to re-sample: every uncertain part is in a kept line.'),
    );
    return;
  }
  const taken = snapshot(document);
  const target: FillTarget = {
    taken,
    title: vscode.l10n.t('Parafill: re-sampling uncertain parts'),
    ranges,
    kept,
    ask: (wish, token, onProgress) =>
      client.fillHoles(
        {
          textDocument: { ...client.asVersioned(document), version: taken.version },
          holes: ranges.map(toProtocol),
          seed: wish.seed,
        },
        token,
        onProgress,
      ),
  };
  const answer = await fills.ask(target, { seed });
  const [best] = answer.kind === 'filled' ? answer.candidates : [];
  if (best !== undefined) await fills.write(target, best);
  else if (answer.kind !== 'filled') tellWhyNot(answer);
}
