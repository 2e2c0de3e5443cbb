import type { FillPlace, SyntaxChecker } from './syntaxCheck';

/** What ranking looks at. */
export interface Rankable {
  /** Log-likelihood of the fill: higher is better. */
  readonly score: number;
  /** Absent where nobody looked, or no grammar could tell. */
  readonly parses?: boolean;
}

/** Best first: what parses, what nobody looked at, what does not parse; among these the model's score decides. */
export function rank<T extends Rankable>(candidates: readonly T[]): T[] {
  return [...candidates].sort((a, b) => syntaxRank(a) - syntaxRank(b) || b.score - a.score);
}

function syntaxRank({ parses }: Rankable): number {
  if (parses === undefined) return 1;
  return parses ? 0 : 2;
}

/**
 * The best candidates, best first, with what parsing said about each.
 *
 * @param fillsOf the text of each of a candidate's holes
 * @param wanted so many at most
 */
export async function bestOf<T extends Rankable>(
  syntax: SyntaxChecker,
  place: FillPlace,
  candidates: readonly T[],
  fillsOf: (candidate: T) => readonly string[],
  wanted: number,
): Promise<T[]> {
  if (candidates.length === 0) return [];
  const likeliest = rank(candidates);
  const verdicts = await syntax.judge(place, likeliest.map(fillsOf), wanted);
  if (verdicts.kind === 'unjudged') return likeliest.slice(0, wanted);
  const judged = likeliest.map((candidate, i) => {
    const parses = verdicts.parses[i];
    return parses === undefined ? candidate : { ...candidate, parses };
  });
  return rank(judged).slice(0, wanted);
}
