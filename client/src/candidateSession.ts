import * as vscode from 'vscode';
import type { OpenPreview } from './candidatePreview';
import { offsetEdits } from './candidateEdits';
import { isCurrent } from './documents';
import type { Candidate, FillAnswer, FillTarget, FillWish } from './fillTarget';
import { withEdits } from './textEdits';

/** How a choice ended. */
export interface Decision {
  /** What the person took; undefined when the text is to stay. */
  readonly candidate?: Candidate;
  /** Why there is no choice any more, when the person did not end it; a sentence. */
  readonly reason?: string;
  /** The person went elsewhere, so that the focus must not be taken back. */
  readonly wentAway?: boolean;
}

/**
 * The choice between the candidates for one target, from the first question to the decision: which there are and
 * which one is shown. The document is not touched. How it looks is the business of others.
 */
export class CandidateSession implements vscode.Disposable {
  private readonly found: Candidate[] = [];
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listeners: vscode.Disposable;
  /** Cancelled with the decision: what is still asked for is not wanted any more. */
  private readonly over = new vscode.CancellationTokenSource();
  private decide: (decision: Decision) => void = () => undefined;
  private shown = 0;
  private seed = 0;

  /** There are more candidates, or another one is shown. */
  readonly onDidChange = this.changed.event;
  readonly decided: Promise<Decision>;

  constructor(
    readonly target: FillTarget,
    readonly preview: OpenPreview,
    private readonly ask: (wish: FillWish, token: vscode.CancellationToken) => Thenable<FillAnswer>,
  ) {
    this.decided = new Promise((resolve) => {
      this.decide = (decision) => {
        resolve(decision);
        this.over.cancel();
      };
    });
    const { document } = target.taken;
    const checkDocument = (): void => {
      if (isCurrent(target.taken)) return;
      this.decide({
        reason: vscode.l10n.t('the document changed meanwhile, so that the candidates do not fit any more.'),
        wentAway: !preview.isInFront,
      });
    };
    this.listeners = vscode.Disposable.from(
      this.changed,
      preview.onDidClose(() => {
        this.leave();
      }),
      vscode.workspace.onDidChangeTextDocument((event) => {
        if (event.document === document) checkDocument();
      }),
      vscode.workspace.onDidCloseTextDocument((closed) => {
        if (closed === document) checkDocument();
      }),
    );
  }

  get candidates(): readonly Candidate[] {
    return this.found;
  }

  /** The number of the candidate that is shown. */
  get index(): number {
    return this.shown;
  }

  /** Asks for candidates and adds those that are new; the answer tells why there are none. */
  async more(): Promise<FillAnswer> {
    const { token } = this.over;
    const answer = await this.ask({ seed: this.seed }, token);
    if (token.isCancellationRequested) return { kind: 'cancelled', reason: vscode.l10n.t('Cancelled.') };
    // Every question has a seed of its own, so that "more" is never the same again.
    this.seed += 1;
    if (answer.kind === 'filled') {
      const known = new Set(this.found.map(textsOf));
      this.found.push(...answer.candidates.filter((candidate) => !known.has(textsOf(candidate))));
      this.changed.fire();
    }
    return answer;
  }

  /** Shows another candidate as a diff; counted around the ends. */
  async show(index: number, options: { readonly preserveFocus: boolean }): Promise<void> {
    const { length } = this.found;
    if (length === 0) return;
    this.shown = ((index % length) + length) % length;
    this.changed.fire();
    const text = this.texts[this.shown];
    if (text !== undefined) await this.preview.show(text, options);
  }

  showAll(): Promise<void> {
    return this.preview.showAll(this.texts);
  }

  /** Takes the candidate that is shown, or another one. */
  accept(index = this.shown): void {
    const candidate = this.found[index];
    if (candidate !== undefined) this.decide({ candidate });
  }

  /** Takes none. */
  discard(): void {
    this.decide({});
  }

  /** Takes none, because the person is elsewhere by now. */
  leave(): void {
    this.decide({ wentAway: true });
  }

  dispose(): void {
    this.over.cancel();
    this.over.dispose();
    this.listeners.dispose();
  }

  /** The whole document with each of the candidates. */
  private get texts(): readonly string[] {
    const { document } = this.target.taken;
    const text = document.getText();
    return this.found.map((candidate) => withEdits(text, offsetEdits(document, candidate)));
  }
}

function textsOf({ edits }: Candidate): string {
  return JSON.stringify(edits.map(({ newText }) => newText));
}
