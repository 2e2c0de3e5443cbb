import { type Summary, summaryOf } from './statistics';

/**
 * Measures things that are to be compared. Each runs once without being counted, so that nobody pays for
 * first touches. Then all run in turn, round after round, forwards and backwards, so that a machine that
 * gets slower or busier meanwhile favours nobody, and neither does who runs behind whom.
 *
 * @param things each different from the others.
 * @param measure does the thing once and says what it took.
 * @returns what each of them took.
 */
export async function inTurns<T>(
  things: readonly T[],
  measure: (thing: T) => Promise<number>,
  rounds: number,
): Promise<(thing: T) => Summary> {
  const samples = new Map(things.map((thing) => [thing, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    const order = [...samples];
    if (round % 2 === 1) order.reverse();
    for (const [thing, measured] of order) {
      const value = await measure(thing);
      if (round > 0) measured.push(value);
    }
  }
  return (thing) => summaryOf(samples.get(thing) ?? []);
}
