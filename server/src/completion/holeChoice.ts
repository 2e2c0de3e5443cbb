import { turn } from '../base/async';
import type { InfillCandidate } from '../inference/messages';
import { specialCharacters } from './postprocess/specialCharacters';
import { bestOf, type Rankable } from './rank';
import { withoutRepetition, withoutWhatFollows } from './surroundings';
import type { FillPlace, SyntaxChecker } from './syntaxCheck';

/** What may stand in the holes between some texts, and whether the file parses with it. */
export type Choice = InfillCandidate & Pick<Rankable, 'parses'>;

/** Chooses so many of the candidates for the holes between `segments`, best first; there may be none. */
export type Choose = (
  segments: readonly string[],
  candidates: readonly InfillCandidate[],
  wanted: number,
) => Promise<readonly Choice[]>;

/**
 * Drops what nobody could want, puts first what parses as the model said it, and then what parses once it ends before what
 * does not fit what stands behind: cut at first, a likely wrong one would come before a right one.
 *
 * @param place where the holes are, but for the texts around them.
 * @param filters gets the names of those that changed or dropped something.
 * @param original what stands in the holes, if that is to be dropped.
 */
export function chooserFor(
  syntax: SyntaxChecker,
  place: Omit<FillPlace, 'segments'>,
  filters = new Set<string>(),
  original?: readonly string[],
): Choose {
  const { language, cutBefore = false, cutAfter = false } = place;
  const isWanted = ({ fills }: Pick<InfillCandidate, 'fills'>): boolean => {
    const why = whyUnwanted(fills, language, original);
    if (why !== undefined) filters.add(why);
    return why === undefined;
  };
  return async (segments, candidates, wanted) => {
    const around = { language, segments, cutBefore, cutAfter };
    const best = (some: readonly InfillCandidate[], most: number): Promise<Choice[]> =>
      bestOf(syntax, { ...place, segments }, distinct(some.filter(isWanted)), ({ fills }) => fills, most);

    const said = await eachInTurn(candidates, (candidate) => withoutRepetition(candidate, around, filters));
    const right = (await best(said, wanted)).filter(({ parses }) => parses);
    if (right.length === wanted) return right;
    const least = right.at(-1)?.score ?? Infinity;
    // Right ones are judged with them once more: errors are counted against the best of all.
    const cut = await eachInTurn(said, (candidate) => ({
      ...withoutWhatFollows(candidate, around, filters),
      score: Math.min(candidate.score, least),
    }));
    return distinct([...right, ...(await best(cut, wanted))]).slice(0, wanted);
  };
}

/** Many candidates for many holes take a while, in which others have to be answered, too. */
async function eachInTurn<T, U>(candidates: readonly T[], work: (candidate: T) => U): Promise<U[]> {
  const done: U[] = [];
  for (const candidate of candidates) {
    await turn();
    done.push(work(candidate));
  }
  return done;
}

/** The name of what is wrong with fills that nobody could want. */
function whyUnwanted(
  fills: readonly string[],
  language: string,
  original: readonly string[] | undefined,
): string | undefined {
  const nowhere = { language, prefix: '', suffix: '', cutBefore: true, cutAfter: true };
  if (fills.every((fill) => fill === '')) return 'empty';
  if (fills.some((fill) => specialCharacters.apply(fill, nowhere) !== fill)) return specialCharacters.name;
  return original?.every((text, hole) => text === fills[hole]) === true ? 'unchanged' : undefined;
}

/** The first ones of those that say the same. */
export function distinct<T extends Pick<InfillCandidate, 'fills'>>(candidates: readonly T[]): T[] {
  const byContent = new Map<string, T>();
  for (const candidate of candidates) {
    const content = JSON.stringify(candidate.fills);
    if (!byContent.has(content)) byContent.set(content, candidate);
  }
  return [...byContent.values()];
}
