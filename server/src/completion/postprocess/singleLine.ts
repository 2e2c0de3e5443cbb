import { firstLine } from '../text';
import type { Filter } from './filter';

/**
 * With words right of the cursor the person edits within a line: only the rest of this line is offered.
 * Closing brackets and punctuation there do not count, editors put them in by themselves.
 */
export const singleLine: Filter = {
  name: 'single line',
  apply(text, { suffix }) {
    return /[\p{L}\p{N}_$]/u.test(firstLine(suffix)) ? firstLine(text) : text;
  },
};
