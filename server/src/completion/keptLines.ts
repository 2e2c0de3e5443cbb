import type { OffsetRange } from './text';

export type Rewrite =
  | { readonly kind: 'rewrite'; readonly holes: readonly OffsetRange[] }
  /** Why there is nothing to write anew, or which kept range is none; a sentence. */
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * The parts of a selection that are written anew: what lies between the kept lines, without the white space
 * around it. A selection of whole lines begins with indentation and ends with a line break; both are known, and
 * the model is better at holes that begin and end where people put cursors. So no hole ever touches the line
 * break before or after a kept line.
 *
 * @param kept whole lines inside the selection, without their last line break, in any order
 */
export function holesOfSelection(
  text: string,
  selection: OffsetRange,
  kept: readonly OffsetRange[],
): Rewrite {
  const sorted = [...kept].sort((a, b) => a.start - b.start || a.end - b.end);
  for (const range of sorted) {
    const problem = problemWith(text, selection, range);
    if (problem !== undefined) return { kind: 'refused', reason: problem };
  }
  const holes: OffsetRange[] = [];
  let from = selection.start;
  for (const { start, end } of [...sorted, { start: selection.end, end: selection.end }]) {
    const hole = trimmed(text, from, start);
    if (hole !== undefined) holes.push(hole);
    from = Math.max(from, end);
  }
  if (holes.length > 0) return { kind: 'rewrite', holes };
  // Blank lines alone are a hole like any other: the person wants something there.
  if (sorted.length === 0) return { kind: 'rewrite', holes: [selection] };
  const reason = 'Nothing is left to regenerate: every line of the selection that is not blank is kept.';
  return { kind: 'refused', reason };
}

/** The text with fills in its holes, which are in ascending order and do not overlap. */
export function withFills(text: string, holes: readonly OffsetRange[], fills: readonly string[]): string {
  let from = 0;
  let filled = '';
  for (const [i, { start, end }] of holes.entries()) {
    filled += text.slice(from, start) + (fills[i] ?? '');
    from = end;
  }
  return filled + text.slice(from);
}

/**
 * Looks at the filled text itself, because what must stay is too precious to trust the way it was made.
 *
 * @returns what differs, in a sentence; undefined when every kept line is still a line, byte by byte
 */
export function changedKeptLine(
  text: string,
  holes: readonly OffsetRange[],
  fills: readonly string[],
  kept: readonly OffsetRange[],
): string | undefined {
  const filled = withFills(text, holes, fills);
  for (const { start, end } of kept) {
    const at = start + growthBefore(start, holes, fills);
    const expected = text.slice(start, end);
    const came = filled.slice(at, at + expected.length);
    if (came === expected && isWholeLines(filled, { start: at, end: at + expected.length })) continue;
    const lineStart = Math.max(filled.lastIndexOf('\n', at - 1), filled.lastIndexOf('\r', at - 1)) + 1;
    const shown = filled.slice(at === 0 ? 0 : lineStart).split(/[\r\n]/, 1)[0] ?? '';
    return `A kept line would change: expected ${JSON.stringify(expected)}, got ${JSON.stringify(shown)}.`;
  }
  return undefined;
}

/** By how much the text before an offset gets longer. */
function growthBefore(offset: number, holes: readonly OffsetRange[], fills: readonly string[]): number {
  let growth = 0;
  for (const [i, { start, end }] of holes.entries())
    if (start < offset) growth += (fills[i] ?? '').length - (end - start);
  return growth;
}

function problemWith(text: string, selection: OffsetRange, range: OffsetRange): string | undefined {
  const name = `The kept range ${range.start}–${range.end}`;
  if (range.start < selection.start || range.end > selection.end)
    return `${name} is not inside the selection ${selection.start}–${selection.end}.`;
  if (!isWholeLines(text, range))
    return `${name} is not whole lines: expected from the beginning of a line to the end of its text.`;
  return undefined;
}

/** Whether the range begins where a line begins and ends where the text of a line ends. */
function isWholeLines(text: string, { start, end }: OffsetRange): boolean {
  const startsLine =
    start === 0 || text[start - 1] === '\n' || (text[start - 1] === '\r' && text[start] !== '\n');
  const endsLine =
    end === text.length || text[end] === '\r' || (text[end] === '\n' && text[end - 1] !== '\r');
  return startsLine && endsLine;
}

/** The part without white space at its ends; undefined where there is nothing else. */
function trimmed(text: string, start: number, end: number): OffsetRange | undefined {
  if (end <= start) return undefined;
  const part = text.slice(start, end);
  if (part.trim() === '') return undefined;
  return {
    start: start + part.length - part.trimStart().length,
    end: end - (part.length - part.trimEnd().length),
  };
}
