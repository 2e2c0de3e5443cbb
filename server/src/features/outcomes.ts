import type { Connection, ServerCapabilities } from 'vscode-languageserver';
import type { Disposable } from '../base/lifecycle';
import type { InferenceEffort } from '../completion/outcome';
import type { Log } from '../log';
import { LAST_OUTCOME, type Effort, type LastOutcomeResult, type OutcomeExplanation } from '../protocol';
import type { Feature } from './feature';

/** Remembers what became of the latest request and explains it when asked. */
export class Outcomes implements Feature {
  readonly capabilities: ServerCapabilities = {};
  private last: OutcomeExplanation | null = null;

  constructor(private readonly log: Log) {}

  register(connection: Connection): Disposable {
    return connection.onRequest(LAST_OUTCOME, (): LastOutcomeResult => this.last);
  }

  record(outcome: Omit<OutcomeExplanation, 'at'>): void {
    this.last = { ...outcome, at: Date.now() };
    const { request, kind, reason, totalMs, candidatesOffered, candidatesComputed } = outcome;
    this.log.debug(
      `${request}: ${kind} in ${totalMs.toFixed(0)} ms, ${candidatesOffered} of ${candidatesComputed} candidates; ${reason}`,
    );
  }
}

/** @param totalMs from the arrival of the request to now */
export function toEffort(effort: InferenceEffort, totalMs: number): Effort {
  const { steps, contextTokens, reusedTokens, chunks, timings } = effort;
  const { encodeMs, denoiseMs, rankMs } = timings;
  return { steps, contextTokens, reusedTokens, chunks, encodeMs, denoiseMs, rankMs, totalMs };
}
