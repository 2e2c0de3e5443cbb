import type { InfillTimings } from '../inference/messages';

/** What it took to compute an answer. */
export interface InferenceEffort {
  readonly steps: number;
  readonly contextTokens: number;
  readonly reusedTokens: number;
  readonly timings: InfillTimings;
}

/** One alternative for the text at the cursor. */
export interface CompletionCandidate {
  /** To be inserted at the cursor; LF line ends. */
  readonly text: string;
  readonly score: number;
  readonly confidence: number;
  readonly complete: boolean;
  readonly parses?: boolean;
}

/** The rules by which a request is not even given to the model. */
export type SkipRule =
  | 'disabled'
  | 'automatic-disabled'
  | 'language-disabled'
  | 'file-too-large'
  | 'merge-conflict'
  | 'cursor'
  | 'selected-suggestion'
  | 'busy'
  | 'model-not-ready';

/** What became of a request for inline completion. */
export type CompletionOutcome =
  | {
      readonly kind: 'candidates';
      /** Best first; empty when the model had nothing or the filters left nothing. */
      readonly candidates: readonly CompletionCandidate[];
      readonly source: 'model' | 'cache';
      /** How many the model gave, before the filters. */
      readonly computed: number;
      /** The filters that changed or dropped a candidate, without repeats. */
      readonly filters: readonly string[];
      readonly effort?: InferenceEffort;
    }
  | { readonly kind: 'skipped'; readonly rule: SkipRule; readonly reason: string }
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };
