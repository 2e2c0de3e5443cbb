import type { SyntaxVerdicts } from './syntaxCheck';

/** What ranking looks at. */
export interface Rankable {
  /** Log-likelihood of the fill: higher is better. */
  readonly score: number;
  /** Absent where no grammar could tell. */
  readonly parses?: boolean;
}

/** Best first: a candidate that does not parse comes after all others; then the model's score decides. */
export function rank<T extends Rankable>(candidates: readonly T[]): T[] {
  return [...candidates].sort((a, b) => syntaxRank(a) - syntaxRank(b) || b.score - a.score);
}

function syntaxRank(candidate: Rankable): number {
  return candidate.parses === false ? 1 : 0;
}

/** The candidates with what parsing said about each; without the fact where it said nothing. */
export function withVerdicts<T extends object>(
  candidates: readonly T[],
  verdicts: SyntaxVerdicts,
): (T & { readonly parses?: boolean })[] {
  return candidates.map((candidate, i) => {
    const parses = verdicts.kind === 'judged' ? verdicts.parses[i] : undefined;
    return parses === undefined ? candidate : { ...candidate, parses };
  });
}
