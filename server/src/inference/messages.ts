/**
 * What travels between the language server and the inference process: plain data that structured clone
 * can copy. All text is LF; whoever reads files restores CRLF.
 */

/** One request to fill the holes between `segments`: k + 1 segments stand around k holes. */
export interface InfillRequest {
  /** VS Code's language id; one the model does not know counts as "other". */
  readonly language: string;
  readonly path?: string;
  readonly segments: readonly string[];
  /** `diffusion` fills in a few parallel steps, `ar` token by token with the same weights. */
  readonly mode: 'diffusion' | 'ar';
  /** The most tokens one hole gets. */
  readonly maxTokens?: number;
  /** The most denoising passes, the one that finds the lengths included. */
  readonly steps?: number;
  /** A token at least this probable is decided at once, whatever the schedule says. */
  readonly threshold?: number;
  readonly candidates: number;
  /** 0 takes the likeliest tokens; above it they are drawn. */
  readonly temperature: number;
  readonly topP?: number;
  readonly seed: number;
  /** The true length of each hole in tokens, where it is known: a measure of what lengths cost. */
  readonly lengths?: readonly number[];
}

export interface InfillCandidate {
  /** One text a hole, in the order of the holes. */
  readonly fills: readonly string[];
  /** Natural-log likelihood of all fills and their ends, read token by token. */
  readonly score: number;
  /** Whether every hole ended by itself and not at the limit of its tokens. */
  readonly complete: boolean;
  /** Mean probability of the tokens when they were decided, 0 to 1. */
  readonly confidence: number;
}

/** Milliseconds. */
export interface InfillTimings {
  readonly encodeMs: number;
  readonly denoiseMs: number;
  readonly rankMs: number;
  readonly totalMs: number;
}

export type InfillOutcome =
  | {
      readonly kind: 'filled';
      /** Best first, without duplicates. */
      readonly candidates: readonly InfillCandidate[];
      /** Passes that decided tokens. */
      readonly steps: number;
      readonly contextTokens: number;
      /** How many of the context's tokens were in the cache already. */
      readonly reusedTokens: number;
      readonly timings: InfillTimings;
    }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly reason: string };

/** What the status item and the log say about a loaded model. */
export interface ModelInfo {
  readonly name: string;
  readonly version: string;
  readonly provider: string;
  readonly threads: number;
  readonly loadMs: number;
  readonly warmupMs: number;
}

/** Handed to the inference process on its command line, as JSON. */
export interface WorkerOptions {
  readonly modelPath: string;
  /** Threads of one matrix product; absent: chosen for the machine. */
  readonly threads?: number;
}

export type ToWorker =
  | { readonly type: 'infill'; readonly id: number; readonly request: InfillRequest }
  | { readonly type: 'cancel'; readonly id: number };

export type FromWorker =
  | { readonly type: 'ready'; readonly info: ModelInfo }
  /** The model cannot be used at all; the process ends after saying so. */
  | { readonly type: 'unusable'; readonly reason: string }
  | { readonly type: 'outcome'; readonly id: number; readonly outcome: InfillOutcome };
