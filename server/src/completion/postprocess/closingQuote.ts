import { BracketScanner } from '../bracketScanner';
import { firstLine } from '../text';
import type { Filter } from './filter';

/** Inside a string that is closed right of the cursor, the candidate must not close it once more. */
export const closingQuote: Filter = {
  name: 'closing quote',
  apply(text, { language, prefix, suffix }) {
    const scanner = new BracketScanner(language);
    scanner.feed(prefix);
    const quote = scanner.openQuote;
    if (quote === undefined || !firstLine(suffix).includes(quote)) return text;
    const at = indexOfUnescaped(text, quote);
    if (at === -1) return text;
    return at === 0 ? undefined : text.slice(0, at);
  },
};

function indexOfUnescaped(text: string, quote: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text.charAt(i) === '\\') i++;
    else if (text.startsWith(quote, i)) return i;
  }
  return -1;
}
