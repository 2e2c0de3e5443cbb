import type { CancellationToken } from '../base/cancellation';
import type { OtherFiles, InfillProgress, TextSpan } from '../inference/messages';
import { contextAround } from './context';
import { type Choice, chooserFor } from './holeChoice';
import type { Infiller } from './infiller';
import { infillOneByOne } from './oneByOne';
import { type InferenceEffort, withLineEnding } from './outcome';
import type { SyntaxChecker } from './syntaxCheck';
import { toLf, wellFormed, type OffsetRange } from './text';

export interface JointFillInput {
  readonly language: string;
  readonly text: string;
  /** In ascending order, not overlapping. */
  readonly holes: readonly OffsetRange[];
  readonly candidates: number;
  /** The most tokens each hole gets. */
  readonly maxTokens: readonly number[];
  readonly temperature: number;
  readonly seed: number;
  /** Denoising steps; absent: as many as the model says. */
  readonly steps?: number;
  /** Milliseconds; steps there is no time for are left out. */
  readonly budgetMs?: number;
  /** What other files give for the text around the holes; absent: nothing. */
  readonly otherFiles?: (segments: readonly string[]) => OtherFiles;
  /** Leave out candidates that would change nothing. */
  readonly dropUnchanged: boolean;
}

export interface JointCandidate {
  /** One text per hole, with the document's line ends. */
  readonly fills: readonly string[];
  /** For each hole, where the model was unsure of its text. */
  readonly uncertain: readonly (readonly TextSpan[])[];
  readonly score: number;
  readonly confidence: number;
  readonly complete: boolean;
  readonly parses?: boolean;
}

export type JointFillOutcome =
  | {
      readonly kind: 'filled';
      /** Best first, at least one. */
      readonly candidates: readonly JointCandidate[];
      readonly computed: number;
      readonly filters: readonly string[];
      readonly effort: InferenceEffort;
    }
  | {
      readonly kind: 'empty';
      readonly reason: string;
      readonly computed: number;
      readonly filters: readonly string[];
      readonly effort: InferenceEffort;
    }
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

/** Fills all holes, so that each sees the others; for explicit commands. */
export async function fillJointly(
  infiller: Infiller,
  syntax: SyntaxChecker,
  input: JointFillInput,
  cancellation: CancellationToken,
  onProgress?: (progress: InfillProgress) => void,
): Promise<JointFillOutcome> {
  const cut = contextAround(input.text, input.holes);
  if (cut.kind === 'refused') return { kind: 'failed', reason: cut.reason };
  const { segments, lineEnding, cutBefore, cutAfter, outside } = cut.context;

  const place = { language: input.language, cutBefore, cutAfter, outside, writesOn: false };
  const active = new Set<string>();
  const outcome = await infillOneByOne(
    infiller,
    {
      language: input.language,
      segments,
      ...input.otherFiles?.(segments),
      mode: 'both',
      maxTokens: input.maxTokens,
      temperature: input.temperature,
      // One more, so that leaving out the unchanged one costs none.
      candidates: input.candidates + (input.dropUnchanged ? 1 : 0),
      seed: input.seed,
      ...(input.steps === undefined ? {} : { steps: input.steps }),
      ...(input.budgetMs === undefined ? {} : { budgetMs: input.budgetMs }),
    },
    chooserFor(syntax, place, active),
    cancellation,
    onProgress,
  );
  if (outcome.kind === 'failed') return outcome;
  if (outcome.kind === 'cancelled' || cancellation.isCancellationRequested) {
    return { kind: 'cancelled', reason: 'The request was cancelled.' };
  }

  const effort: InferenceEffort = {
    steps: outcome.steps,
    contextTokens: outcome.contextTokens,
    reusedTokens: outcome.reusedTokens,
    chunks: outcome.chunks,
    timings: outcome.timings,
  };
  const computed = outcome.candidates.length;
  const choose = chooserFor(syntax, place, active, input.dropUnchanged ? originalOf(input) : undefined);
  const best = await choose(segments, outcome.candidates, input.candidates);
  const filters = [...active];
  if (best.length === 0)
    return { kind: 'empty', reason: whyEmpty(computed, filters), computed, filters, effort };
  const candidates = best.map((candidate) => withLineEnding(withoutBeginnings(candidate), lineEnding));
  return { kind: 'filled', candidates, computed, filters, effort };
}

/** What stands in the holes, as the model would write it. */
function originalOf({ text, holes }: JointFillInput): string[] {
  return holes.map(({ start, end }) => wellFormed(toLf(text.slice(start, end))));
}

/** How sure the model is of beginnings matters to whoever shows no more than those. */
function withoutBeginnings({ beginnings: _, ...candidate }: Choice): Omit<Choice, 'beginnings'> {
  return candidate;
}

function whyEmpty(computed: number, filters: readonly string[]): string {
  if (computed === 0) return 'The model gave no candidate.';
  const noun = computed === 1 ? 'The only candidate was' : `All ${computed} candidates were`;
  return `${noun} left out: ${filters.join(', ')}.`;
}
