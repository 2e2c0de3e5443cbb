import type { Filter } from './filter';

/**
 * U+FFFD (half a character the model did not finish, or a lone surrogate it repeats), control characters
 * other than tab and line feed, and the hole markers of this very program.
 */
// eslint-disable-next-line no-control-regex -- finding control characters is what it is for
const UNWANTED = /[\ufffd\u0000-\u0008\u000b-\u001f\u007f\u27e6\u27e7]/;

/** Conflict markers in the context tempt the model to write more of them. */
const CONFLICT_MARKER = /^(?:<{7}|>{7}|={7}|\|{7})(?: |$)/m;

/**
 * Cuts before the first unwanted character. On a later line the whole line goes, on the first one what
 * stands before the character is kept.
 */
export const specialCharacters: Filter = {
  name: 'special characters',
  apply(text) {
    const found = [UNWANTED.exec(text), CONFLICT_MARKER.exec(text)].flatMap((match) => match?.index ?? []);
    if (found.length === 0) return text;
    const at = Math.min(...found);
    const lineBreak = text.lastIndexOf('\n', at - 1);
    const kept = text.slice(0, lineBreak > 0 ? lineBreak : at);
    return kept.trim() === '' ? undefined : kept;
  },
};
