import type { Beginning } from '../inference/messages';

/**
 * The longest beginning of a text that is at least so likely to be right, cut at the end of a word. People who
 * are shown text they did not ask for forgive what is missing sooner than what is wrong.
 *
 * @param beginnings of this very text, shortest first.
 * @param least 0 to 1, of all of the beginning.
 * @returns the whole text when it is likely enough; empty when no word of it is.
 */
export function sureBeginning(text: string, beginnings: readonly Beginning[], least: number): string {
  // Likelihoods fall from token to token, so the first too unlikely one ends it.
  const unsure = beginnings.findIndex(({ logProbability }) => logProbability < Math.log(least));
  const sure = unsure < 0 ? beginnings : beginnings.slice(0, unsure);
  for (const { end } of [...sure].reverse()) {
    if (end >= text.length || !splitsWord(text, end)) return text.slice(0, end);
  }
  return '';
}

const WORD = /[\p{L}\p{N}_$]/u;

function splitsWord(text: string, at: number): boolean {
  return WORD.test(text[at - 1] ?? '') && WORD.test(text[at] ?? '');
}
