import type { InfillCandidate } from '../inference/messages';
import type { Filter, FilterContext } from './postprocess';
import { closingBrackets } from './postprocess/closingBrackets';
import { closingQuote } from './postprocess/closingQuote';
import { duplicateSuffix } from './postprocess/duplicateSuffix';
import { loops } from './postprocess/repetition';
import { DEFAULT_WINDOW } from './context';
import { isBlank, lastLine } from './text';

/** What stands around the holes, with LF line ends: k + 1 segments around k holes. */
export interface Surroundings {
  readonly language: string;
  readonly segments: readonly string[];
  /** Whether the document goes on beyond the first and the last segment. */
  readonly cutBefore: boolean;
  readonly cutAfter: boolean;
}

/**
 * What begins within a line ends within one, too, and with no second blank; whole lines may end with a line break.
 */
const whiteSpaceAtEnd: Filter = {
  name: 'white space',
  apply: (text, { prefix, suffix }) => {
    const line = isBlank(lastLine(prefix)) ? text : text.replace(/\s*\n\s*$/, '');
    return /^[ \t]/.test(suffix) ? line.replace(/[ \t]+$/, '') : line;
  },
};

/** What an expression goes on with, or what ends it; a comment or a word may follow a finished statement. */
const GOES_ON = /^[ \t]*(?:[;,):\].?*%^&|=+{]|!=|[-<>/](?=[ =]))/;

/** `b;` or `b,` can not be what stands before ` && c`. */
const endOfStatement: Filter = {
  name: 'end of statement',
  apply: (text, { suffix }) => (GOES_ON.test(suffix) ? text.replace(/[;,\s]+$/, '') : text),
};

/** A bracket that is opened right before another kind is closed, or the statement ends, can only be too much. */
const openedInVain: Filter = {
  name: 'closing brackets',
  apply: (text, { suffix }) => {
    const next = /^[ \t]*([)\];,])/.exec(suffix)?.[1];
    if (next === undefined) return text;
    return text.replace(next === ']' ? /\s*[({]\s*$/ : /\s*[[{]\s*$/, '');
  },
};

/** Each of them only cuts at the end: what is said twice, or is no text at all. */
const REPETITIONS: readonly Filter[] = [loops, whiteSpaceAtEnd, duplicateSuffix];

/**
 * And what does not fit what stands behind, as far as one line can tell: several may well close what they do not open and
 * open something else.
 */
const MISFITS: readonly Filter[] = [closingQuote, closingBrackets, openedInVain, endOfStatement];

/** Ends every fill before it says once more what it said or what stands behind its hole. @param filters as below. */
export function withoutRepetition<T extends Fills>(
  candidate: T,
  around: Surroundings,
  filters: Set<string>,
): T {
  return cutBy(REPETITIONS, candidate, around, filters);
}

/**
 * Ends every fill before what stands behind its hole anyway: `right;` in `left + ⟦⟧;` is `right`.
 *
 * @param filters gets the names of those that changed something
 */
export function withoutWhatFollows<T extends Fills>(
  candidate: T,
  around: Surroundings,
  filters: Set<string>,
): T {
  return cutBy([...REPETITIONS, ...MISFITS], candidate, around, filters);
}

type Fills = Pick<InfillCandidate, 'fills' | 'uncertain'>;

function cutBy<T extends Fills>(
  by: readonly Filter[],
  candidate: T,
  { language, segments, cutBefore, cutAfter }: Surroundings,
  filters: Set<string>,
): T {
  const fills = [...candidate.fills];
  const around = (from: number, to: number): string =>
    segments
      .slice(from, to + 1)
      .map((segment, i) => (i === 0 ? '' : (fills[from + i - 1] ?? '')) + segment)
      .join('');
  for (const [i, fill] of fills.entries()) {
    // Holes may stand at both ends of a large file, which nobody can scan for every candidate.
    const before = around(0, i);
    const behind = around(i + 1, segments.length - 1);
    const place: FilterContext = {
      language,
      prefix: before.slice(-DEFAULT_WINDOW.before),
      suffix: behind.slice(0, DEFAULT_WINDOW.after),
      cutBefore: cutBefore || before.length > DEFAULT_WINDOW.before,
      cutAfter: cutAfter || behind.length > DEFAULT_WINDOW.after,
    };
    let kept = fill;
    for (const filter of by) {
      if (MISFITS.includes(filter) && kept.trimEnd().includes('\n')) continue;
      const cut = filter.apply(kept, place);
      // A hole that would be left with nothing keeps what it has: somebody asked for something there.
      if (cut === undefined || cut === '') continue;
      if (cut !== kept) filters.add(filter.name);
      kept = cut;
    }
    fills[i] = kept;
  }
  const uncertain = candidate.uncertain.map((spans, i) => {
    const { length } = fills[i] ?? '';
    return spans
      .filter(({ start }) => start < length)
      .map(({ start, end }) => ({ start, end: Math.min(end, length) }));
  });
  return { ...candidate, fills, uncertain };
}
