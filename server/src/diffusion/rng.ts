/** A seeded source of uniform numbers in [0, 1). */
export type Random = () => number;

/**
 * Row r of a batch gets a seed of its own, a golden-ratio step away from its neighbour's, so that what a row
 * draws does not depend on how many rows there are.
 */
export function rowSeed(seed: number, row: number): number {
  return (seed + Math.imul(row, 0x9e3779b9)) >>> 0;
}

/** mulberry32: 32 bits of state, the same sequence in every language. */
export function rowRandom(seed: number, row: number): Random {
  let state = rowSeed(seed, row);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), 1 | t);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
