/**
 * Follows brackets through program text, leaving out those in strings and comments. Not a parser: good
 * enough to say which brackets are open at a cursor, in time linear in the text and for any language.
 */

type Syntax = 'c' | 'hash' | 'prose';

type Mode =
  | { readonly kind: 'code' | 'lineComment' | 'blockComment' }
  | { readonly kind: 'string'; readonly quote: string };

const CODE: Mode = { kind: 'code' };

const HASH_COMMENTS: ReadonlySet<string> = new Set([
  'python',
  'ruby',
  'shellscript',
  'yaml',
  'toml',
  'makefile',
  'dockerfile',
  'perl',
  'r',
  'elixir',
]);

/** Apostrophes are no quotes there. */
const PROSE: ReadonlySet<string> = new Set(['markdown', 'plaintext', 'html', 'latex', 'restructuredtext']);

const CLOSES: ReadonlyMap<string, string> = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);

/** A bracket that was not closed; `${` of a template counts as one that `}` closes. */
export type Opener = '(' | '[' | '{' | '${';

export interface UnmatchedCloser {
  readonly char: string;
  /** Where it stands in the text fed last. */
  readonly offset: number;
}

export class BracketScanner {
  private readonly syntax: Syntax;
  private readonly stack: Opener[] = [];
  private mode: Mode = CODE;
  /** The last character of code that was no blank: tells a regular expression from a division. */
  private lastCode = '';

  /** @param standing where to go on: in the same string or comment, but with no brackets open */
  constructor(language: string, standing?: BracketScanner) {
    this.syntax = PROSE.has(language) ? 'prose' : HASH_COMMENTS.has(language) ? 'hash' : 'c';
    if (standing === undefined) return;
    this.mode = standing.mode;
    this.lastCode = standing.lastCode;
  }

  /** Innermost last. */
  get open(): readonly Opener[] {
    return this.stack;
  }

  /** The quote that ends the string the scanner stands in, if it stands in one. */
  get openQuote(): string | undefined {
    return this.mode.kind === 'string' ? this.mode.quote : undefined;
  }

  /** Reads on. Returns the closing brackets that close nothing that was read so far. */
  feed(text: string): UnmatchedCloser[] {
    const unmatched: UnmatchedCloser[] = [];
    let i = 0;
    while (i < text.length) {
      if (this.mode.kind !== 'code') {
        i = this.skipString(text, i, this.mode);
        continue;
      }
      const char = text.charAt(i);
      const opened = this.startOfString(text, i);
      if (opened > 0) {
        i += opened;
        continue;
      }
      if (char === '(' || char === '[' || char === '{') this.stack.push(char);
      else if (CLOSES.has(char) && !this.close(char)) unmatched.push({ char, offset: i });
      if (char.trim() !== '') this.lastCode = char;
      i++;
    }
    return unmatched;
  }

  /** Whether the bracket closes the innermost open one. */
  private close(char: string): boolean {
    const top = this.stack.at(-1);
    if (top === '${' && char === '}') {
      this.stack.pop();
      this.mode = { kind: 'string', quote: '`' };
      return true;
    }
    if (top === undefined || top !== CLOSES.get(char)) return false;
    this.stack.pop();
    return true;
  }

  /** Enters a string or comment that starts at `i`; returns the length of what opens it, or 0. */
  private startOfString(text: string, i: number): number {
    if (this.syntax === 'prose') return 0;
    const char = text.charAt(i);
    if (this.syntax === 'hash' && char === '#') return this.enter({ kind: 'lineComment' }, 1);
    if (this.syntax === 'c' && char === '/') {
      const next = text.charAt(i + 1);
      if (next === '/') return this.enter({ kind: 'lineComment' }, 2);
      if (next === '*') return this.enter({ kind: 'blockComment' }, 2);
      return this.lengthOfRegExp(text, i);
    }
    if (char !== '"' && char !== "'" && char !== '`') return 0;
    const triple = char.repeat(3);
    if (this.syntax === 'hash' && char !== '`' && text.startsWith(triple, i)) {
      return this.enter({ kind: 'string', quote: triple }, 3);
    }
    this.lastCode = char;
    return this.enter({ kind: 'string', quote: char }, 1);
  }

  private enter(mode: Mode, length: number): number {
    this.mode = mode;
    return length;
  }

  /** A slash where a value may start begins a regular expression, if it ends on the same line. */
  private lengthOfRegExp(text: string, i: number): number {
    if (this.lastCode !== '' && !'(,=:[!&|?{};+-*%<>~^'.includes(this.lastCode)) return 0;
    const match = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//.exec(text.slice(i, i + 300));
    if (match === null) return 0;
    this.lastCode = '/';
    return match[0].length;
  }

  /** Where the string or comment ends (then the mode is code again) or the text does. */
  private skipString(text: string, from: number, mode: Mode): number {
    switch (mode.kind) {
      case 'code':
        return from;
      case 'lineComment':
        return this.leaveAt(text.indexOf('\n', from), 1, text);
      case 'blockComment':
        return this.leaveAt(text.indexOf('*/', from), 2, text);
      case 'string':
        return this.skipQuoted(text, from, mode.quote);
    }
  }

  private leaveAt(found: number, length: number, text: string): number {
    if (found === -1) return text.length;
    this.mode = CODE;
    return found + length;
  }

  private skipQuoted(text: string, from: number, quote: string): number {
    for (let i = from; i < text.length; i++) {
      const char = text.charAt(i);
      if (char === '\\') {
        i++;
      } else if (text.startsWith(quote, i)) {
        return this.leaveAt(i, quote.length, text);
      } else if (char === '\n' && (quote === '"' || quote === "'")) {
        // Such a string cannot go on: it was an apostrophe, or is being typed.
        return this.leaveAt(i, 0, text);
      } else if (quote === '`' && char === '$' && text.charAt(i + 1) === '{') {
        this.stack.push('${');
        return this.leaveAt(i, 2, text);
      }
    }
    return text.length;
  }
}
