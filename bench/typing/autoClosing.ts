/** What VS Code closes by itself in most languages, by the character that opens it. */
const pairs: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
  ['"', '"'],
  ["'", "'"],
  ['`', '`'],
]);

/** VS Code's `autoCloseBefore`: it closes only where one of these, white space or nothing follows. */
const closesBefore = /^$|^[\s;:.,=}\])>]/;

/** Where the cursor stands. */
export interface CursorSurroundings {
  /** The line up to the cursor. */
  readonly line: string;
  /** The character right of the cursor; '' at the end. */
  readonly next: string;
  /** Whether a string is open that the editor has closed already. */
  readonly inString: boolean;
}

/** The closing character that VS Code adds when this one is typed; `undefined` where it does not. */
export function closedBy(typed: string, { line, next, inString }: CursorSurroundings): string | undefined {
  const closing = pairs.get(typed);
  if (closing === undefined || inString || !closesBefore.test(next)) return undefined;
  // A quote behind a word is an apostrophe, and comments have no strings.
  const isQuote = typed === closing;
  return isQuote && /[\p{L}\p{N}_\\]$|^\s*(\/\/|\*|#)/u.test(line) ? undefined : closing;
}

/**
 * Where in the text, from `from` on, the pair ends that was opened just before: what the person will type
 * over. A quote ends on its own line, other pairs where they balance.
 */
export function closingIndex(
  text: string,
  from: number,
  opening: string,
  closing: string,
): number | undefined {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    const character = text[i];
    if (opening === closing && (character === '\n' || character === '\r')) return undefined;
    if (character === '\\') i++;
    else if (character === closing) depth--;
    else if (character === opening) depth++;
    if (depth === 0) return i;
  }
  return undefined;
}
