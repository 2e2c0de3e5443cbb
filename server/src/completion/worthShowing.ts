import type { Beginning } from '../inference/messages';

/** So many keys somebody would rather press than be shown something wrong that was not asked for. */
const KEYS_PER_MISTAKE = 4;

/** What is less likely than this is not shown, however much of it there is. */
export const LEAST_LIKELY = 0.25;

/**
 * The beginning of a text that is worth being shown unasked: the one that saves most keys, as is to be expected by the
 * model's own account. To accept it takes one key, and a mistake costs `KEYS_PER_MISTAKE`, so that the shorter a text is,
 * the surer it has to be. What that comes to: models/LOG.md, "What is worth showing".
 *
 * @param beginnings of this very text, shortest first.
 * @returns the beginning, which ends with a word; empty when none is worth it.
 */
export function worthShowing(text: string, beginnings: readonly Beginning[]): string {
  let best = '';
  let most = 0;
  for (const { end, logProbability } of beginnings) {
    const likely = Math.exp(logProbability);
    // Likelihoods fall from token to token.
    if (likely < LEAST_LIKELY) break;
    if (end < text.length && splitsWord(text, end)) continue;
    const beginning = text.slice(0, end);
    const saved = likely * (keysOf(beginning) - 1) - (1 - likely) * KEYS_PER_MISTAKE;
    if (saved > most) [best, most] = [beginning, saved];
  }
  return best;
}

/** Editors indent a new line by themselves. */
function keysOf(text: string): number {
  return text.replace(/\n[ \t]+/g, '\n').length;
}

const WORD = /[\p{L}\p{N}_$]/u;

function splitsWord(text: string, at: number): boolean {
  return WORD.test(text[at - 1] ?? '') && WORD.test(text[at] ?? '');
}
