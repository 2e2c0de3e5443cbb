/** What repeated measurements of one thing came to, in the unit they were taken in. */
export interface Summary {
  readonly median: number;
  /** The distance between the quartiles: half of the measurements lie within it. */
  readonly spread: number;
}

export function summaryOf(values: readonly number[]): Summary {
  return { median: quantile(values, 0.5), spread: quantile(values, 0.75) - quantile(values, 0.25) };
}

/**
 * The value that a share of all values does not exceed, interpolated between its neighbours (Hyndman and
 * Fan 1996, definition 7).
 *
 * @param share 0 to 1.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) {
    throw new RangeError(
      `Expected at least one value and a share from 0 to 1, got ${sorted.length}, ${share}`,
    );
  }
  return below + (above - below) * (place - Math.floor(place));
}

/** @returns null where there is nothing to take a share of. */
export function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number | null {
  return items.length === 0 ? null : items.filter(holds).length / items.length;
}

/** A number as reports print it: more digits than anybody believes are left out. */
export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
