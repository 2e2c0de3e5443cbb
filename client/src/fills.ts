import * as vscode from 'vscode';
import { keptLineProblem, offsetEdits } from './candidateEdits';
import type { DenoisingView } from './denoisingView';
import { applyToSnapshot, isCurrent, tell, toRange } from './documents';
import type { Candidate, FillAnswer, FillTarget, FillWish } from './fillTarget';
import type { UncertainParts } from './uncertainParts';

/** Fills as every explicit command makes them: asking is visible and can be cancelled, writing is one change. */
export class Fills {
  constructor(
    private readonly denoising: DenoisingView,
    private readonly uncertain: UncertainParts,
  ) {}

  /** Asks for candidates with a notification to cancel it, and shows how the texts come about. */
  ask(target: FillTarget, wish: FillWish): Thenable<FillAnswer> {
    return vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: target.title, cancellable: true },
      async (_progress, token): Promise<FillAnswer> => {
        const drawing = this.denoising.begin(target.taken);
        try {
          return await target.ask(wish, token, drawing?.draw);
        } catch (error) {
          if (token.isCancellationRequested)
            return { kind: 'cancelled', reason: vscode.l10n.t('Cancelled.') };
          return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
        } finally {
          drawing?.end();
        }
      },
    );
  }

  /**
   * Writes a candidate as one change with one undo, if the document is still the one it was computed for and no
   * kept line would change. Says in words why nothing was written.
   */
  async write({ taken, kept }: FillTarget, candidate: Candidate): Promise<boolean> {
    const { document } = taken;
    const edits = isCurrent(taken) ? offsetEdits(document, candidate) : [];
    const problem =
      keptLineProblem(document, edits, kept) ??
      (await applyToSnapshot(
        taken,
        candidate.edits.map(({ range, newText }) => vscode.TextEdit.replace(toRange(range), newText)),
      ));
    if (problem === undefined) {
      this.uncertain.mark(document, edits, candidate.uncertain);
      return true;
    }
    void vscode.window.showWarningMessage(`Parafill: ${problem}`);
    return false;
  }
}

/** Says why nothing was filled. */
export function tellWhyNot(answer: Exclude<FillAnswer, { kind: 'filled' }>): void {
  // The person cancelled and knows it.
  if (answer.kind === 'cancelled') return;
  if (answer.kind === 'failed') void vscode.window.showErrorMessage(`Parafill: ${answer.reason}`);
  else tell(answer.reason);
}
