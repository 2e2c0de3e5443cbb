import type { Random } from '../../server/src/diffusion/rng';
import { closedBy, closingIndex } from './autoClosing';
import type { Rhythm } from './rhythm';
import type { TypingEvent } from './script';

/** Something the editor has put right of the cursor by itself. */
interface Pending {
  /** A closing character, with the line break and the indentation before it where it stands on its own line. */
  readonly text: string;
  /** Where in the block the person will come to it. */
  readonly at: number;
}

const mistakes = 0.02;
const wrongLetters = 'aeiorstnlh';

/**
 * Types a block character by character. At every moment the document holds what was typed, then what the
 * editor has closed by itself, then what stands behind the block; so whatever is closed, the end is the
 * block.
 *
 * @param next what stands right behind the block in the document.
 * @returns events whose offsets and places count from the block's start.
 */
export function* typeBlock(
  block: string,
  next: string,
  rhythm: Rhythm,
  random: Random,
): Generator<TypingEvent> {
  let at = 0;
  let pending: Pending[] = [];
  const rest = (): string => block.slice(at, pending.find((item) => item.at >= at)?.at);
  const edit = (
    kind: TypingEvent['kind'],
    pauseMs: number,
    change: { readonly removed?: number; readonly inserted?: string; readonly forward: number },
  ): TypingEvent => {
    const { removed = 0, inserted = '', forward } = change;
    const offset = at;
    at += forward;
    return { kind, pauseMs, offset, removed, inserted, cursor: at, place: at, rest: rest() };
  };
  const removePending = (count: number): TypingEvent => {
    const removed = textOf(pending.slice(0, count)).length;
    pending = pending.slice(count);
    return edit('delete', rhythm.notice(), { removed, forward: 0 });
  };

  while (at < block.length) {
    const first = pending[0];
    const character = characterAt(block, at);
    const previous = block.charAt(at - 1);
    const pauseMs = rhythm.after(previous);
    if (first !== undefined && first.at < at) {
      // It was not needed after all.
      yield removePending(1);
    } else if (first !== undefined && isTypedOver(first, block, at)) {
      pending = pending.slice(1);
      const { length } = first.text;
      // Behind a line break the person walks over it with the cursor, else with the very key.
      yield length > 1
        ? edit('jump', rhythm.jump(), { forward: length })
        : edit('overtype', pauseMs, { removed: 1, inserted: first.text, forward: 1 });
    } else if (/[\r\n]/.test(character)) {
      const { inserted, forward, moved } = lineBreak(block, at, character, first);
      if (moved !== undefined) pending = [moved, ...pending.slice(1)];
      yield edit('type', pauseMs, { inserted, forward });
    } else {
      if (/^[a-z]$/.test(character) && random() < mistakes) yield* mistake(block, at, rest, rhythm, random);
      const closing = closedBy(character, {
        line: block.slice(block.lastIndexOf('\n', at - 1) + 1, at),
        next: textOf(pending).charAt(0) || next,
        inString: first !== undefined && /^["'`]$/.test(first.text),
      });
      if (closing === undefined) {
        yield edit('type', pauseMs, { inserted: character, forward: character.length });
        continue;
      }
      const closesAt = closingIndex(block, at + 1, character, closing);
      // Without a place to come to, it is noticed at once and goes.
      pending = [{ text: closing, at: closesAt ?? -1 }, ...pending];
      yield edit('type', pauseMs, { inserted: character + closing, forward: 1 });
    }
  }
  if (pending.length > 0) yield removePending(pending.length);
}

/** A key of an opened pair's end is typed over; what stands behind a line break must be reached. */
function isTypedOver({ text, at: place }: Pending, block: string, at: number): boolean {
  if (text.length > 1) return place === at && block.startsWith(text, at);
  return block.charAt(at) === text && block.charAt(at - 1) !== '\\';
}

/** The line break with the indentation of the next line, as the editor adds it. Between brackets it makes two. */
function lineBreak(
  block: string,
  at: number,
  lineEnd: string,
  first: Pending | undefined,
): { readonly inserted: string; readonly forward: number; readonly moved?: Pending } {
  const typed = lineEnd + indentationAt(block, at + lineEnd.length);
  const lineStart = block.lastIndexOf('\n', at - 1) + 1;
  const isBetween =
    first !== undefined && /^[([{]$/.test(block.charAt(at - 1)) && /^[)\]}]$/.test(first.text);
  if (isBetween) {
    const text = lineEnd + indentationAt(block, lineStart) + first.text;
    const place = first.at - text.length + 1;
    // An empty pair of lines would be walked over before anything is written between them.
    if (place >= at + typed.length) {
      return { inserted: typed + text.slice(0, -1), forward: typed.length, moved: { text, at: place } };
    }
  }
  return { inserted: typed, forward: typed.length };
}

/** Some wrong or early letters, and as many backspaces. */
function* mistake(
  block: string,
  at: number,
  rest: () => string,
  rhythm: Rhythm,
  random: Random,
): Generator<TypingEvent> {
  const wrong = wrongLetters.charAt(Math.floor(random() * wrongLetters.length));
  const more = /^[a-z]{0,2}/.exec(block.slice(at + 1))?.[0] ?? '';
  const typed = wrong + more.slice(0, Math.floor(random() * (more.length + 1)));
  for (let i = 0; i < typed.length; i++) {
    const change = { offset: at + i, removed: 0, inserted: typed.charAt(i), cursor: at + i + 1 };
    yield { kind: 'typo', pauseMs: rhythm.after('a'), ...change, place: at, rest: '' };
  }
  for (let i = typed.length - 1; i >= 0; i--) {
    const pauseMs = i === typed.length - 1 ? rhythm.notice() : rhythm.after('a');
    const change = { offset: at + i, removed: 1, inserted: '', cursor: at + i };
    yield { kind: 'backspace', pauseMs, ...change, place: at, rest: i === 0 ? rest() : '' };
  }
}

function textOf(pending: readonly Pending[]): string {
  return pending.map(({ text }) => text).join('');
}

/** A whole character; a line break of two units is one. */
function characterAt(text: string, at: number): string {
  return text.startsWith('\r\n', at) ? '\r\n' : String.fromCodePoint(text.codePointAt(at) ?? 0);
}

function indentationAt(text: string, at: number): string {
  return /^[ \t]*/.exec(text.slice(at, at + 200))?.[0] ?? '';
}
