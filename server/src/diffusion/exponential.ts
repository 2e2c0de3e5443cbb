/** Entries of the table for each unit of its range. */
const density = 64;
/** Beyond this many units below zero, e^x is taken as 0: 1e-19, of which a whole vocabulary makes no digit. */
const range = 44;
/** e^(−i / density) */
const table = Float64Array.from({ length: range * density + 1 }, (_, i) => Math.exp(-i / density));

/**
 * e^x for x ≤ 0, a few times faster than `Math.exp`: softmax over a vocabulary is most of what decoding does
 * outside the runtime. The nearest entry of a table above x, times five terms of the series for the rest, which
 * is less than 1/64: relatively wrong by 1e-11 at most.
 */
export function expNonPositive(x: number): number {
  const place = x * -density;
  if (place >= range * density) return 0;
  const index = place | 0;
  const rest = (index - place) / density;
  return table[index]! * (1 + rest * (1 + rest * (1 / 2 + rest * (1 / 6 + rest * (1 / 24)))));
}
