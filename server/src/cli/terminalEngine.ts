import { join } from 'node:path';
import { neverCancelled } from '../base/cancellation';
import type { Disposable } from '../base/lifecycle';
import { withLineEnding } from '../completion/outcome';
import { rank, withVerdicts } from '../completion/rank';
import { SyntaxChecker } from '../completion/syntaxCheck';
import { InferenceClient } from '../inference/inferenceClient';
import type { InfillCandidate, InfillOutcome, InfillRequest, ModelInfo } from '../inference/messages';
import type { CommonOptions } from './arguments';

export interface RankedCandidate extends InfillCandidate {
  /** Whether the filled text has no more parse errors than it must have; absent where nobody can tell. */
  readonly parses?: boolean;
}

export type RankedOutcome =
  | (Omit<Extract<InfillOutcome, { kind: 'filled' }>, 'candidates'> & {
      readonly candidates: readonly RankedCandidate[];
    })
  | { readonly kind: 'failed'; readonly reason: string };

/** The same engine and the same ranking as in the editor, for a command that runs to its end. */
export class TerminalEngine implements Disposable {
  private readonly client: InferenceClient;
  private readonly syntax = new SyntaxChecker(join(__dirname, 'grammars'));

  constructor({ modelPath, threads, verbose }: CommonOptions) {
    this.client = new InferenceClient({
      workerPath: join(__dirname, 'worker.js'),
      modelPath,
      ...(threads === undefined ? {} : { threads }),
      log: (line) => {
        if (verbose) process.stderr.write(`${line}\n`);
      },
    });
  }

  /** @throws when the model cannot be used, saying which file is wrong. */
  ready(): Promise<ModelInfo> {
    return this.client.ready();
  }

  /**
   * Fills and ranks. Line ends are LF inside the engine: where the segments have CRLF, so have the fills.
   */
  async fill(request: InfillRequest): Promise<RankedOutcome> {
    const hasCrlf = request.segments.some((segment) => segment.includes('\r\n'));
    const segments = request.segments.map((segment) => segment.replaceAll('\r\n', '\n'));
    const outcome = await this.client.infill({ ...request, segments }, neverCancelled);
    if (outcome.kind === 'cancelled') return { kind: 'failed', reason: 'the request was cancelled' };
    if (outcome.kind === 'failed') return outcome;
    const verdicts = await this.syntax.judge(
      request.language,
      segments,
      outcome.candidates.map((candidate) => candidate.fills),
    );
    const ranked = rank(withVerdicts(outcome.candidates, verdicts));
    return {
      ...outcome,
      candidates: ranked.map((candidate) => withLineEnding(candidate, hasCrlf ? '\r\n' : '\n')),
    };
  }

  dispose(): void {
    this.client.dispose();
    this.syntax.dispose();
  }
}
