import { BracketScanner, type Opener } from '../bracketScanner';
import { firstLine, isBlank, lastLine } from '../text';
import type { Filter, FilterContext } from './filter';

const OPENER_OF: Readonly<Record<string, readonly Opener[]>> = {
  ')': ['('],
  ']': ['['],
  '}': ['{', '${'],
};

/**
 * Cuts before the first closing bracket that nothing needs: one that closes neither a bracket of the
 * candidate nor one that is open before the cursor and not closed after it. A line that opens a block which
 * ends below needs what it closes first: `ok) {`.
 */
export const closingBrackets: Filter = {
  name: 'closing brackets',
  apply(text, context) {
    const before = new BracketScanner(context.language);
    const confused = before.feed(context.prefix).length > 0 && !context.cutBefore;
    // Brackets that do not even match before the cursor are no ground to judge the candidate on.
    if (confused || isBalanced(text, context)) return text;
    const free = context.cutBefore || context.cutAfter ? nearby(before, context) : exact(before, context);

    for (const [i, closer] of new BracketScanner(context.language, before).feed(text).entries()) {
      if (free.kind === 'nearby' && text.slice(0, closer.offset).includes('\n')) return text;
      const opener = i < free.count ? free.open.at(-1 - i) : undefined;
      if (opener !== undefined && OPENER_OF[closer.char]?.includes(opener) === true) continue;
      const cut = text.slice(0, closer.offset);
      return isBlank(cut) ? undefined : cut;
    }
    return text;
  },
};

/** Whether the text is a line that opens what the document closes below, and the document closes nothing else with it. */
function isBalanced(text: string, { language, prefix, suffix, cutBefore, cutAfter }: FilterContext): boolean {
  if (cutBefore || cutAfter || !/^[^\n]*[([{]\s*$/.test(text)) return false;
  return new BracketScanner(language).feed(`${prefix}${text}${suffix}`).length === 0;
}

/** Of the open brackets (innermost last), how many innermost ones the candidate may close. */
interface Free {
  readonly kind: 'exact' | 'nearby';
  readonly open: readonly Opener[];
  readonly count: number;
}

/** With the whole document in view: what is open and not closed below. */
function exact(before: BracketScanner, { language, suffix }: FilterContext): Free {
  const closedLater = new BracketScanner(language, before).feed(suffix).length;
  return { kind: 'exact', open: before.open, count: Math.max(0, before.open.length - closedLater) };
}

/**
 * With a part of the document in view, nobody knows which outer brackets are closed far below. Then only
 * those opened on the cursor's line are judged, against what the rest of it and the next line close.
 */
function nearby(before: BracketScanner, { language, prefix, suffix }: FilterContext): Free {
  const line = new BracketScanner(language);
  line.feed(lastLine(prefix));
  const rest = firstLine(suffix);
  const nextLine = suffix
    .slice(rest.length)
    .split('\n', 8)
    .find((text) => !isBlank(text));
  const leadingClosers = /^\s*[)\]}]+/.exec(nextLine ?? '')?.[0] ?? '';
  const closedLater = new BracketScanner(language, before).feed(`${rest}\n${leadingClosers}`).length;
  const opened = Math.min(line.open.length, before.open.length);
  return { kind: 'nearby', open: before.open, count: Math.max(0, opened - closedLater) };
}
