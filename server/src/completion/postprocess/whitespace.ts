import { firstLine, isBlank, lastLine } from '../text';
import type { Filter } from './filter';

/**
 * Drops candidates that are nothing but white space, white space at the end where nothing follows on the
 * line, and a blank at the start where one stands before the cursor already.
 */
export const whitespace: Filter = {
  name: 'white space',
  apply(text, { prefix, suffix }) {
    if (isBlank(text)) return undefined;
    let kept = isBlank(firstLine(suffix)) ? text.trimEnd() : text;
    const line = lastLine(prefix);
    if (/[ \t]$/.test(line) && !isBlank(line)) kept = kept.replace(/^[ \t]+/, '');
    return kept;
  },
};
