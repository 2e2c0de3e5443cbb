import type { Logits } from './model';
import { logProbability } from './logits';
import type { Random } from './rng';

/**
 * How likely each length of a hole is: entry j < maxTokens is "j tokens, then the end"; the last entry is
 * "maxTokens tokens and still no end". The entries sum to 1.
 */
export type LengthDistribution = Float64Array;

/** Lengths of all holes together; a length of maxTokens means that the hole has no end. */
export interface LengthHypothesis {
  readonly lengths: readonly number[];
  readonly probability: number;
}

/**
 * The probability of "end of hole" at canvas position j, given that the hole did not end before, is a
 * hazard: P(L = j) = h_j ∏_{i<j} (1 − h_i). A hole is never empty: h_0 is taken as 0, but for the rest of a
 * hole that has tokens already.
 *
 * @param logits of a masked canvas, rows firstRow … firstRow + maxTokens − 1 being its positions in order.
 */
export function lengthDistribution(
  logits: Logits,
  firstRow: number,
  maxTokens: number,
  vocabSize: number,
  eoh: number,
  isRest = false,
): LengthDistribution {
  const distribution = new Float64Array(maxTokens + 1);
  let alive = 1;
  for (let j = 0; j < maxTokens; j++) {
    const hazard = j === 0 && !isRest ? 0 : Math.exp(logProbability(logits, firstRow + j, vocabSize, eoh));
    distribution[j] = hazard * alive;
    alive *= 1 - hazard;
  }
  distribution[maxTokens] = alive;
  return distribution;
}

/** The lengths of a hole that is known to have an end within them. */
export function givenAnEnd(distribution: LengthDistribution): LengthDistribution {
  const ends = 1 - distribution.at(-1)!;
  return distribution.map((probability, length) =>
    length < distribution.length - 1 ? probability / ends : 0,
  );
}

/**
 * The `count` likeliest combinations of lengths, holes being independent. Exact: the best of k holes are
 * among the best of k − 1 holes, each followed by one of the best of hole k. Ties go to the
 * lexicographically smaller lengths.
 */
export function likeliestLengths(
  distributions: readonly LengthDistribution[],
  count: number,
): LengthHypothesis[] {
  let best: LengthHypothesis[] = [{ lengths: [], probability: 1 }];
  for (const distribution of distributions) {
    const own = Array.from(distribution, (probability, length) => ({ length, probability }))
      .sort((a, b) => b.probability - a.probability || a.length - b.length)
      .slice(0, count);
    best = best
      .flatMap((before) =>
        own.map(({ length, probability }) => ({
          lengths: [...before.lengths, length],
          probability: before.probability * probability,
        })),
      )
      .sort((a, b) => b.probability - a.probability || compareLengths(a.lengths, b.lengths))
      .slice(0, count);
  }
  return best;
}

/** Draws one length by inverting the cumulative distribution, lengths ascending. */
export function drawLength(distribution: LengthDistribution, random: Random): number {
  const u = random();
  let cumulative = 0;
  for (let length = 0; length < distribution.length - 1; length++) {
    cumulative += distribution[length]!;
    if (u < cumulative) return length;
  }
  return distribution.length - 1;
}

function compareLengths(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
