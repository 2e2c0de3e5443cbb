import type { CancellationToken } from '../base/cancellation';
import type { OtherFiles, InfillCandidate, InfillRequest } from '../inference/messages';
import type { CacheHit, CacheKey, CompletionCache } from './cache';
import { contextAround, type InfillContext } from './context';
import type { Debounce } from './debounce';
import type { Infiller } from './infiller';
import { AUTOMATIC_BUDGET_MS, type Latency } from './latency';
import { isInsideMergeConflict } from './mergeConflict';
import { type CompletionCandidate, type CompletionOutcome, withText } from './outcome';
import { pause } from './pause';
import { type FilterContext, postprocess, type Postprocessed } from './postprocess';
import { bestOf } from './rank';
import type { SyntaxChecker } from './syntaxCheck';
import type { OffsetRange } from './text';
import { LEAST_LIKELY, worthShowing } from './worthShowing';

/** Whether a person asked for it, or an editor while somebody types. */
export type Trigger = 'automatic' | 'invoked';

export interface CompletionInput {
  readonly language: string;
  readonly text: string;
  /** Where the cursor is, in UTF-16 units. */
  readonly offset: number;
  readonly trigger: Trigger;
  /** The entry selected in the editor's suggestion list: the completion goes on from it. */
  readonly selected?: { readonly range: OffsetRange; readonly text: string };
  /** How many candidates at most. */
  readonly candidates: number;
  readonly maxTokens: number;
  readonly temperature: number;
  /**
   * Why nothing is to be computed here; absent: nothing speaks against it. What was asked for by hand goes on all
   * the same while it is typed along.
   */
  readonly unwanted?: Skipped;
  /** Whether to complete in comments without being asked; absent: yes. */
  readonly inComments?: boolean;
  /** What other files give for the text around the cursor; absent: nothing. */
  readonly otherFiles?: (segments: readonly string[]) => OtherFiles;
  /** Denoising steps; absent: as many as the model says. */
  readonly steps?: number;
  /** Milliseconds; steps there is no time for are left out. There is less of it for automatic completions. */
  readonly budgetMs?: number;
}

type Skipped = Extract<CompletionOutcome, { kind: 'skipped' }>;

/** What the completer works with; each is shared with nobody but the status. */
export interface CompleterParts {
  readonly infiller: Infiller;
  /** Whether the model is loaded, so that a request is answered at once. */
  readonly isReady: () => boolean;
  readonly cache: CompletionCache;
  readonly debounce: Debounce;
  readonly latency: Latency;
  readonly syntax: SyntaxChecker;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** What "Why No Suggestion?" calls the cut. */
const UNSURE = 'unsure end';

const SUPERSEDED = 'The request was cancelled: the text changed or the cursor moved on.';

/** One keystroke: context, cache, pause, model, filters, ranking. */
export class InlineCompleter {
  constructor(private readonly parts: CompleterParts) {}

  async complete(input: CompletionInput, cancellation: CancellationToken): Promise<CompletionOutcome> {
    const place = placeOf(input);
    if (place.kind === 'skipped') return place;
    if (isInsideMergeConflict(place.text, place.offset)) {
      const reason = 'The cursor is inside an unresolved merge conflict.';
      return { kind: 'skipped', rule: 'merge-conflict', reason };
    }
    const cut = contextAround(place.text, [{ start: place.offset, end: place.offset }]);
    if (cut.kind === 'refused') return { kind: 'skipped', rule: 'cursor', reason: cut.reason };
    const [prefix = '', suffix = ''] = cut.context.segments;
    const key: CacheKey = {
      language: input.language,
      prefix,
      suffix,
      sureOnly: input.trigger === 'automatic',
    };

    // Who draws candidates by chance wants new ones.
    const repeatable = input.trigger === 'automatic' || input.temperature === 0;
    const hit = repeatable ? this.parts.cache.get(key, input.candidates) : undefined;
    const isTypedAlong = hit !== undefined && hit.typed > 0 && hit.candidates.length > 0;
    const unwanted = isTypedAlong ? undefined : await this.whyUnwanted(input, place);
    if (unwanted !== undefined) return unwanted;
    if (hit !== undefined) return outcomeOfHit(hit, input.candidates);

    const { debounce, latency, now } = this.parts;
    const arrived = now();
    if (input.trigger === 'automatic') {
      await pause(debounce.delay(arrived, latency.totalMs), cancellation);
    }
    if (cancellation.isCancellationRequested) return { kind: 'cancelled', reason: SUPERSEDED };
    return this.infer(input, key, cut.context, arrived, cancellation);
  }

  private async whyUnwanted(
    { unwanted, inComments = true, trigger, language }: CompletionInput,
    { text, offset }: { readonly text: string; readonly offset: number },
  ): Promise<Skipped | undefined> {
    if (unwanted !== undefined) return unwanted;
    if (inComments || trigger === 'invoked') return undefined;
    if (!(await this.parts.syntax.isInComment(language, text, offset))) return undefined;
    const reason = 'The cursor is in a comment, and the setting parafill.completeInComments is off.';
    return { kind: 'skipped', rule: 'comment', reason };
  }

  private async infer(
    input: CompletionInput,
    key: CacheKey,
    context: InfillContext,
    arrived: number,
    cancellation: CancellationToken,
  ): Promise<CompletionOutcome> {
    const { infiller, cache, latency, syntax, now } = this.parts;
    const automatic = input.trigger === 'automatic';
    // What it takes to load is not what an answer takes.
    const isMeasured = automatic && this.parts.isReady();
    const started = now();
    const request = this.requestFor(input, context, started - arrived);
    const outcome = await infiller.infill(request, cancellation);
    if (outcome.kind === 'failed') return { kind: 'failed', reason: outcome.reason };
    // An answer that comes too late is still right for its place, but nobody waits for its ranking.
    if (outcome.kind === 'cancelled' || cancellation.isCancellationRequested) {
      return { kind: 'cancelled', reason: SUPERSEDED };
    }

    const computed = outcome.candidates.map(toCompletion);
    const place: FilterContext = {
      language: input.language,
      prefix: key.prefix,
      suffix: key.suffix,
      cutBefore: context.cutBefore,
      cutAfter: context.cutAfter,
    };
    const processed = postprocess(computed, place);
    const filled = { ...context, language: input.language, writesOn: true };
    const judged =
      // One alone has nobody to be compared with, and its reader sees it anyway.
      processed.candidates.length < 2
        ? processed.candidates
        : await bestOf(syntax, filled, processed.candidates, ({ text }) => [text], request.candidates);
    const { candidates, filters } = key.sureOnly
      ? worthOf(judged, place)
      : { candidates: judged, filters: [] };
    if (isMeasured) latency.add(now() - started);
    cache.set(key, candidates, input.candidates);
    return {
      kind: 'candidates',
      candidates: candidates.slice(0, input.candidates),
      source: 'model',
      computed: computed.length,
      filters: [...new Set([...processed.filters, ...filters])],
      effort: {
        steps: outcome.steps,
        contextTokens: outcome.contextTokens,
        reusedTokens: outcome.reusedTokens,
        chunks: outcome.chunks,
        timings: outcome.timings,
      },
    };
  }

  private requestFor(input: CompletionInput, context: InfillContext, waitedMs: number): InfillRequest {
    const automatic = input.trigger === 'automatic';
    const { steps, budgetMs } = input;
    return {
      language: input.language,
      segments: context.segments,
      ...input.otherFiles?.(context.segments),
      maxTokens: input.maxTokens,
      // What is shown unasked is sure, and comes before the next keystroke or in vain: nothing else is read. Text that
      // changes by chance at every keystroke would flicker.
      ...(automatic
        ? { mode: 'ar', least: LEAST_LIKELY, temperature: 0, candidates: 1 }
        : { mode: 'both', temperature: input.temperature, candidates: input.candidates }),
      seed: 0,
      ...(steps === undefined ? {} : { steps }),
      ...(budgetMs === undefined
        ? {}
        : { budgetMs: automatic ? Math.max(0, AUTOMATIC_BUDGET_MS - waitedMs) : budgetMs }),
    };
  }
}

function toCompletion({ fills, uncertain, beginnings, ...facts }: InfillCandidate): CompletionCandidate {
  const text = fills[0] ?? '';
  const worth = worthShowing(text, beginnings[0] ?? []);
  return { ...facts, text, uncertain: uncertain[0] ?? [], ...(worth === text ? {} : { worth }) };
}

/** What of the candidates is worth being shown unasked, filtered anew where something is gone. */
function worthOf(
  candidates: readonly CompletionCandidate[],
  place: FilterContext,
): Postprocessed<CompletionCandidate> {
  const filters = new Set<string>();
  const kept = candidates.flatMap((candidate) => {
    if (candidate.worth === undefined) return [candidate];
    filters.add(UNSURE);
    const again = postprocess([withText(candidate, candidate.worth)], place);
    for (const filter of again.filters) filters.add(filter);
    return again.candidates;
  });
  return { candidates: kept, filters: [...filters] };
}

type Place = { readonly kind: 'place'; readonly text: string; readonly offset: number } | Skipped;

/** The text as it would be with the selected suggestion accepted, and the cursor behind that. */
function placeOf({ text, offset, selected }: CompletionInput): Place {
  if (selected === undefined) return { kind: 'place', text, offset };
  const { start, end } = selected.range;
  if (start > offset || end < offset || !selected.text.startsWith(text.slice(start, offset))) {
    const reason = 'The entry selected in the suggestion list does not go on from what was typed.';
    return { kind: 'skipped', rule: 'selected-suggestion', reason };
  }
  return {
    kind: 'place',
    text: text.slice(0, start) + selected.text + text.slice(end),
    offset: start + selected.text.length,
  };
}

function outcomeOfHit(hit: CacheHit, wanted: number): CompletionOutcome {
  return {
    kind: 'candidates',
    candidates: hit.candidates.slice(0, wanted),
    source: 'cache',
    computed: hit.candidates.length,
    filters: [],
  };
}
