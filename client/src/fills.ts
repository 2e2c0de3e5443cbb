import * as vscode from 'vscode';
import { announce } from './announce';
import { keptLineProblem, offsetEdits } from './candidateEdits';
import type { Config } from './config';
import type { DenoisingView } from './denoisingView';
import { applyToSnapshot, isCurrent, tell, toRange, warn } from './documents';
import type { Candidate, FillAnswer, FillTarget, FillWish } from './fillTarget';
import type { UncertainParts } from './uncertainParts';

/** Fills as every explicit command makes them: asking is visible and can be cancelled, writing is one change. */
export class Fills {
  constructor(
    private readonly denoising: DenoisingView,
    private readonly uncertain: UncertainParts,
    private readonly config: Config,
  ) {}

  /**
   * Asks for candidates with a notification to cancel it, and shows how the texts come about.
   *
   * @param token cancels it, too.
   */
  ask(target: FillTarget, wish: FillWish, token?: vscode.CancellationToken): Thenable<FillAnswer> {
    return vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: target.title, cancellable: true },
      async (_progress, byPerson): Promise<FillAnswer> => {
        const drawing = this.denoising.begin(target.taken);
        const cancellation = new vscode.CancellationTokenSource();
        const listening = [byPerson, ...(token === undefined ? [] : [token])].map((either) =>
          either.onCancellationRequested(() => {
            cancellation.cancel();
          }),
        );
        try {
          return await target.ask(wish, cancellation.token, drawing?.draw);
        } catch (error) {
          return whyRejected(error, cancellation.token);
        } finally {
          for (const listener of listening) listener.dispose();
          cancellation.dispose();
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
      announce(this.config, outcomeInWords(candidate));
      return true;
    }
    warn(problem);
    return false;
  }
}

/** What others see: where there is other text now, and which parts of it are underlined. */
function outcomeInWords({ edits, uncertain }: Candidate): string {
  const { t } = vscode.l10n;
  const unsure = uncertain.flat().length;
  const written = edits.length === 1 ? t('the code is written.') : t('{0} holes are filled.', edits.length);
  if (unsure === 0) return written;
  const parts = unsure === 1 ? t('One part is uncertain.') : t('{0} parts are uncertain.', unsure);
  return `${written} ${parts}`;
}

/** What a request came to that was rejected: the library rejects those that are cancelled, and those of a server that ends. */
export function whyRejected(error: unknown, token: vscode.CancellationToken): FillAnswer {
  if (token.isCancellationRequested) return { kind: 'cancelled', reason: vscode.l10n.t('Cancelled.') };
  return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
}

/** Says why nothing was filled. */
export function tellWhyNot(answer: Exclude<FillAnswer, { kind: 'filled' }>): void {
  // The person cancelled and knows it.
  if (answer.kind === 'cancelled') return;
  if (answer.kind === 'failed') void vscode.window.showErrorMessage(`Parafill: ${answer.reason}`);
  else tell(answer.reason);
}
