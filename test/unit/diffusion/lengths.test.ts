import assert from 'node:assert/strict';
import fc from 'fast-check';
import { drawLength, lengthDistribution, likeliestLengths } from '../../../server/src/diffusion/lengths';
import { normalised } from './hashModel';

const distributions = fc.array(
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 }).map((weights) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return Float64Array.from(weights, (weight) => (total === 0 ? 1 / weights.length : weight / total));
  }),
  { minLength: 1, maxLength: 4 },
);

/** Every combination of lengths, likeliest first, ties in lexicographic order. */
function allCombinations(given: readonly Float64Array[]): { lengths: number[]; probability: number }[] {
  return given
    .reduce<{ lengths: number[]; probability: number }[]>(
      (before, distribution) =>
        before.flatMap(({ lengths, probability }) =>
          Array.from(distribution, (p, length) => ({
            lengths: [...lengths, length],
            probability: probability * p,
          })),
        ),
      [{ lengths: [], probability: 1 }],
    )
    .sort((a, b) => b.probability - a.probability);
}

describe('lengths of holes', () => {
  it('are as likely as hazards say, and certainly something', () => {
    const oneRow = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(oneRow, { minLength: 1, maxLength: 7 }), (rows) => {
        const logits = normalised(Float32Array.from(rows.flat()), 5);
        const distribution = lengthDistribution(logits, 0, rows.length, 5, 2);
        assert.equal(distribution.length, rows.length + 1);
        const total = distribution.reduce((sum, p) => sum + p, 0);
        assert.ok(Math.abs(total - 1) < 1e-12, `sums to ${total}`);
        assert.equal(distribution[0], 0, 'a hole is never empty');
        if (rows.length < 2) return;
        const weights = rows[1]!.map((_, id) => Math.exp(logits[5 + id]!));
        const first = weights[2]! / weights.reduce((sum, weight) => sum + weight, 0);
        // As exact as float32.
        assert.ok(Math.abs(distribution[1]! - first) < 1e-6);
      }),
    );
  });

  it('of several holes: the k likeliest are those of trying them all', () => {
    fc.assert(
      fc.property(distributions, fc.integer({ min: 1, max: 12 }), (given, count) => {
        const found = likeliestLengths(given, count);
        const all = allCombinations(given);
        assert.deepEqual(
          found.map(({ probability }) => probability),
          all.slice(0, count).map(({ probability }) => probability),
        );
        assert.equal(new Set(found.map(({ lengths }) => lengths.join())).size, found.length);
      }),
    );
  });

  it('that are equally likely come in lexicographic order', () => {
    const even = Float64Array.of(0.5, 0.5);
    const found = likeliestLengths([even, even], 4).map(({ lengths }) => lengths);
    assert.deepEqual(found, [[0, 0], [0, 1], [1, 0], [1, 1]]); // prettier-ignore
  });

  const draws: [u: number, length: number][] = [[0, 0], [0.24, 0], [0.25, 2], [0.74, 2], [0.75, 3], [0.999, 3]]; // prettier-ignore
  for (const [u, length] of draws) {
    it(`are drawn by inverting the cumulative distribution: ${u} gives ${length}`, () => {
      assert.equal(drawLength(Float64Array.of(0.25, 0, 0.5, 0.25), () => u), length); // prettier-ignore
    });
  }
});
