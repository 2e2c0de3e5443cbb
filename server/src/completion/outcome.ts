import type { InfillCandidate, InfillTimings, TextSpan } from '../inference/messages';
import { fromLf, type LineEnding } from './text';

/** What it took to compute an answer. */
export interface InferenceEffort {
  readonly steps: number;
  readonly contextTokens: number;
  readonly reusedTokens: number;
  readonly chunks: number;
  readonly timings: InfillTimings;
}

/** One alternative for the text at the cursor. */
export interface CompletionCandidate {
  /** To be inserted at the cursor; LF line ends. */
  readonly text: string;
  /** Where the model was unsure of the text; absent where the text is not the model's own any more. */
  readonly uncertain?: readonly TextSpan[] | undefined;
  /** The beginning of the model's text that is worth being shown unasked; absent where that is all of it. */
  readonly worth?: string;
  readonly score: number;
  readonly confidence: number;
  readonly complete: boolean;
  readonly parses?: boolean;
}

/**
 * The candidate with another text. Places in the old one say nothing about the new one, even where most of it
 * is the same.
 */
export function withText<T extends Pick<CompletionCandidate, 'text' | 'uncertain'>>(
  candidate: T,
  text: string,
): T {
  const isAsSaid = text === candidate.text || candidate.uncertain === undefined;
  return { ...candidate, text, ...(isAsSaid ? {} : { uncertain: undefined }) };
}

/** The candidate with the document's line ends, and the places in its texts where they are then. */
export function withLineEnding<
  T extends Pick<InfillCandidate, 'fills' | 'uncertain'> & Partial<Pick<InfillCandidate, 'beginnings'>>,
>(candidate: T, lineEnding: LineEnding): T {
  const { fills, uncertain, beginnings } = candidate;
  const moved = (hole: number, offset: number): number =>
    fromLf((fills[hole] ?? '').slice(0, offset), lineEnding).length;
  return {
    ...candidate,
    fills: fills.map((fill) => fromLf(fill, lineEnding)),
    uncertain: uncertain.map((spans, hole) =>
      spans.map(({ start, end }) => ({ start: moved(hole, start), end: moved(hole, end) })),
    ),
    ...(beginnings === undefined
      ? {}
      : {
          beginnings: beginnings.map((own, hole) =>
            own.map((beginning) => ({ ...beginning, end: moved(hole, beginning.end) })),
          ),
        }),
  };
}

/** The rules by which a request is not even given to the model. */
export type SkipRule =
  | 'disabled'
  | 'automatic-disabled'
  | 'language-disabled'
  | 'excluded'
  | 'file-too-large'
  | 'merge-conflict'
  | 'comment'
  | 'cursor'
  | 'selected-suggestion'
  | 'busy';

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
