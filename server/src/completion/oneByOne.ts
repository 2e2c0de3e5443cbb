import type { CancellationToken } from '../base/cancellation';
import { sumOf } from '../base/sum';
import {
  asOne,
  type InfillCandidate,
  type InfillOutcome,
  type InfillProgress,
  type InfillRequest,
  LONGEST_JOINT_FILL,
} from '../inference/messages';
import { type Choice, type Choose, distinct } from './holeChoice';
import type { Infiller } from './infiller';

type Filled = Extract<InfillOutcome, { kind: 'filled' }>;

/** So many choices of a hole are combined with those of the others at least, and so many combinations are made at most. */
const leastChoices = 3;
const mostCombinations = 24;

/** The part of a limited time in which the holes are filled jointly; the rest is for each of them alone. */
const jointShare = 1 / 3;
/** In fewer milliseconds a hole alone could not be read: the last ones stay as they are then. */
const leastMs = 150;

/**
 * Fills holes, and several of them twice: jointly, and then each once more alone, with what the others have come to as
 * text. What is written around a hole that has others behind it is far away from where the hole is filled; a small
 * network finds little of it there, while a hole alone has everything near, its candidates are judged one by one, and the
 * next hole sees the one that was chosen (measured in models/LOG.md).
 *
 * Only at temperature 0, where lengths are not known: draws shall differ.
 *
 * @param onProgress hears of the joint passes, and of every hole that is chosen then.
 */
export async function infillOneByOne(
  infiller: Infiller,
  request: InfillRequest,
  choose: Choose,
  cancellation: CancellationToken,
  onProgress?: (progress: InfillProgress) => void,
): Promise<InfillOutcome> {
  const { mode, temperature, lengths, segments, budgetMs = Infinity } = request;
  if (mode !== 'both' || temperature > 0 || lengths !== undefined || segments.length === 2) {
    return infiller.infill(request, cancellation, onProgress);
  }
  const started = performance.now();
  const joint = await infiller.infill(within(request, budgetMs * jointShare), cancellation, onProgress);
  if (joint.kind !== 'filled') return joint;
  const wanted = Math.max(leastChoices, request.candidates);
  const drafts = await choose(segments, joint.candidates, wanted);
  const [draft = joint.candidates[0]] = drafts;
  if (draft === undefined) return joint;

  const alone: Filled[] = [];
  const fills = [...draft.fills];
  const choices: (readonly InfillCandidate[])[] = fills.map((_, hole) => [holeOf(draft, hole)]);
  for (const hole of fills.keys()) {
    if (cancellation.isCancellationRequested) return { kind: 'cancelled' };
    onProgress?.({ fills: [...fills] });
    const left = started + budgetMs - performance.now();
    if (left < leastMs) break;
    const around = textsAround(segments, fills, hole);
    const ms = Math.max(leastMs, left / (fills.length - hole));
    const outcome = await infiller.infill(within(aboutHole(request, around, hole), ms), cancellation);
    if (outcome.kind === 'cancelled') return outcome;
    // What is there already is an answer, too.
    if (outcome.kind === 'failed') break;
    alone.push(outcome);
    const found = await choose(around, outcome.candidates, wanted);
    const [best] = found;
    if (best === undefined) continue;
    choices[hole] = best.parses === true ? found.filter(({ parses }) => parses) : found;
    fills[hole] = best.fills[0] ?? '';
  }
  if (alone.length === 0) return joint;
  return together([joint, ...alone], withDrafts(likeliestCombinations(choices), drafts));
}

function within(request: InfillRequest, budgetMs: number): InfillRequest {
  return budgetMs === Infinity ? request : { ...request, budgetMs };
}

/** What is asked of one hole, which gets as many tokens as it would together with the others. */
function aboutHole(request: InfillRequest, segments: readonly string[], hole: number): InfillRequest {
  const { maxTokens, ...rest } = request;
  const most = typeof maxTokens === 'object' ? maxTokens[hole] : maxTokens;
  return {
    ...rest,
    segments,
    // What is not much less likely comes along.
    candidates: 1,
    ...(most === undefined ? {} : { maxTokens: Math.min(most, LONGEST_JOINT_FILL) }),
  };
}

/** The text before a hole and the text behind it, the other holes filled. */
function textsAround(segments: readonly string[], fills: readonly string[], hole: number): [string, string] {
  const before = segments.slice(0, hole + 1).map((text, i) => (fills[i - 1] ?? '') + text);
  const behind = segments.slice(hole + 1).map((text, i) => text + (fills[hole + 1 + i] ?? ''));
  return [before.join(''), behind.join('')];
}

/** What a candidate for several holes says of one. */
function holeOf(candidate: InfillCandidate, hole: number): InfillCandidate {
  const beginnings = candidate.beginnings[hole] ?? [];
  return {
    ...candidate,
    fills: [candidate.fills[hole] ?? ''],
    uncertain: [candidate.uncertain[hole] ?? []],
    beginnings: [beginnings],
    score: beginnings.at(-1)?.logProbability ?? 0,
  };
}

/** One choice of every hole in the likeliest ways, best first. */
function likeliestCombinations(choices: readonly (readonly InfillCandidate[])[]): InfillCandidate[] {
  const likelihood = (parts: readonly InfillCandidate[]): number => sumOf(parts, ({ score }) => score);
  let best: (readonly InfillCandidate[])[] = [[]];
  for (const own of choices) {
    best = best
      .flatMap((before) => own.map((choice) => [...before, choice]))
      .sort((a, b) => likelihood(b) - likelihood(a))
      .slice(0, mostCombinations);
  }
  return best.map((parts) => ({ ...asOne(parts), draws: 1 }));
}

/** Behind the combinations those that were filled jointly, whose scores are no measure beside theirs. None is judged yet. */
function withDrafts(combinations: readonly InfillCandidate[], drafts: readonly Choice[]): InfillCandidate[] {
  const least = combinations.at(-1)?.score ?? 0;
  return distinct([
    ...combinations,
    ...drafts.map(({ parses: _, ...draft }) => ({ ...draft, score: Math.min(draft.score, least) })),
  ]);
}

/** One outcome with these candidates, for which all of these were needed. */
function together(outcomes: readonly Filled[], candidates: readonly InfillCandidate[]): Filled {
  const timings = outcomes.map((outcome) => outcome.timings);
  return {
    kind: 'filled',
    candidates,
    // As a cap is meant: for each of them.
    steps: Math.max(...outcomes.map(({ steps }) => steps)),
    contextTokens: sumOf(outcomes, ({ contextTokens }) => contextTokens),
    chunks: Math.max(...outcomes.map(({ chunks }) => chunks)),
    reusedTokens: sumOf(outcomes, ({ reusedTokens }) => reusedTokens),
    timings: {
      encodeMs: sumOf(timings, ({ encodeMs }) => encodeMs),
      denoiseMs: sumOf(timings, ({ denoiseMs }) => denoiseMs),
      rankMs: sumOf(timings, ({ rankMs }) => rankMs),
      totalMs: sumOf(timings, ({ totalMs }) => totalMs),
    },
  };
}
