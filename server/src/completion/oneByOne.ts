import type { CancellationToken } from '../base/cancellation';
import type {
  InfillCandidate,
  InfillOutcome,
  InfillProgress,
  InfillRequest,
  InfillTimings,
} from '../inference/messages';
import type { Infiller } from './infiller';

type Filled = Extract<InfillOutcome, { kind: 'filled' }>;

/** What may stand in a hole. */
export type Choice = InfillCandidate & { readonly parses?: boolean };

/**
 * Chooses among the candidates for one hole between two texts, best first; there may be none.
 */
export type Choose = (
  segments: readonly string[],
  candidates: readonly InfillCandidate[],
) => Promise<readonly Choice[]>;

/** So many choices of a hole are combined with those of the others, and so many combinations are candidates at most. */
export const mostChoices = 3;
const mostCombinations = 24;

/** The part of a limited time in which the holes are filled jointly; the rest is for each of them alone. */
const jointShare = 1 / 3;

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
  const joint = await infiller.infill(within(request, budgetMs * jointShare), cancellation, onProgress);
  const [draft] = joint.kind === 'filled' ? joint.candidates : [];
  if (joint.kind !== 'filled' || draft === undefined) return joint;

  const alone: InfillTimings[] = [];
  const fills = [...draft.fills];
  const choices: (readonly Choice[])[] = fills.map((_, hole) => [holeOf(draft, hole)]);
  for (const hole of fills.keys()) {
    const left = budgetMs - sum([joint.timings, ...alone], ({ totalMs }) => totalMs);
    if (left <= 0) break;
    const around = textsAround(segments, fills, hole);
    const asked = within(aboutHole(request, around, hole), left / (fills.length - hole));
    const outcome = await infiller.infill(asked, cancellation);
    if (outcome.kind === 'cancelled') return outcome;
    // What is there already is an answer, too.
    if (outcome.kind === 'failed') break;
    alone.push(outcome.timings);
    const found = await choose(around, outcome.candidates);
    const [best] = found;
    if (best === undefined) continue;
    choices[hole] = best.parses === true ? found.filter(({ parses }) => parses) : found;
    fills[hole] = best.fills[0] ?? '';
    onProgress?.({ fills: [...fills] });
  }
  return alone.length === 0 ? joint : together(joint, alone, likeliestCombinations(choices));
}

function within(request: InfillRequest, budgetMs: number): InfillRequest {
  return budgetMs === Infinity ? request : { ...request, budgetMs };
}

function aboutHole(request: InfillRequest, segments: readonly string[], hole: number): InfillRequest {
  const { maxTokens, ...rest } = request;
  const most = typeof maxTokens === 'object' ? maxTokens[hole] : maxTokens;
  return { ...rest, segments, ...(most === undefined ? {} : { maxTokens: most }) };
}

/** The text before a hole and the text behind it, the other holes filled. */
function textsAround(segments: readonly string[], fills: readonly string[], hole: number): [string, string] {
  const before = segments.slice(0, hole + 1).map((text, i) => (fills[i - 1] ?? '') + text);
  const behind = segments.slice(hole + 1).map((text, i) => text + (fills[hole + 1 + i] ?? ''));
  return [before.join(''), behind.join('')];
}

/** What a candidate for several holes says of one. */
function holeOf(candidate: InfillCandidate, hole: number): Choice {
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
function likeliestCombinations(choices: readonly (readonly Choice[])[]): InfillCandidate[] {
  const likelihood = (parts: readonly Choice[]): number => sum(parts, ({ score }) => score);
  let best: (readonly Choice[])[] = [[]];
  for (const own of choices) {
    best = best
      .flatMap((before) => own.map((choice) => [...before, choice]))
      .sort((a, b) => likelihood(b) - likelihood(a))
      .slice(0, mostCombinations);
  }
  return best.map((parts) => ({
    fills: parts.flatMap(({ fills }) => fills),
    uncertain: parts.flatMap(({ uncertain }) => uncertain),
    beginnings: parts.flatMap(({ beginnings }) => beginnings),
    score: likelihood(parts),
    complete: parts.every(({ complete }) => complete),
    confidence: sum(parts, ({ confidence }) => confidence) / parts.length,
    draws: 1,
  }));
}

/** The joint outcome with these candidates instead, and the time that the other ones took. */
function together(
  joint: Filled,
  alone: readonly InfillTimings[],
  candidates: readonly InfillCandidate[],
): Filled {
  const all = [joint.timings, ...alone];
  return {
    ...joint,
    candidates,
    timings: {
      encodeMs: sum(all, ({ encodeMs }) => encodeMs),
      denoiseMs: sum(all, ({ denoiseMs }) => denoiseMs),
      rankMs: sum(all, ({ rankMs }) => rankMs),
      totalMs: sum(all, ({ totalMs }) => totalMs),
    },
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
