import { withoutHoleMarkers } from './holeMarkers';
import {
  lineEndingOf,
  splitsSurrogatePair,
  toLf,
  wellFormed,
  type LineEnding,
  type OffsetRange,
} from './text';

/** How much text around the holes is handed to the model, in UTF-16 units. */
export interface ContextWindow {
  readonly before: number;
  readonly after: number;
}

/**
 * More than the model can read (it cuts by tokens), but little enough that a file of 5 MB costs no more
 * than a small one.
 */
export const DEFAULT_WINDOW: ContextWindow = { before: 12_000, after: 6_000 };

/** What of a document lies around a part of it, as it stands there. */
export interface OutsideText {
  readonly before: string;
  readonly after: string;
}

/** The left edge moves in jumps of this size, so that typing leaves the text before the cursor's start alone. */
const EDGE_STEP = 4_096;

/**
 * The text around k holes, as the model reads it: `\n` for every line end, no lone surrogates, no markers of
 * holes that are not being filled.
 */
export interface InfillContext {
  /** k + 1 texts. */
  readonly segments: readonly string[];
  /** What the document uses near the holes; answers are translated back to it. */
  readonly lineEnding: LineEnding;
  /** Whether the document goes on to the left and to the right of it. */
  readonly cutBefore: boolean;
  readonly cutAfter: boolean;
  readonly outside: OutsideText;
}

export type ContextResult =
  | { readonly kind: 'context'; readonly context: InfillContext }
  /** The holes make no sense in this text; a sentence for the caller. */
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Cuts the text around the holes.
 *
 * @param holes in ascending order, not overlapping; a hole may be empty (a cursor)
 */
export function contextAround(
  text: string,
  holes: readonly OffsetRange[],
  window: ContextWindow = DEFAULT_WINDOW,
): ContextResult {
  const problem = problemWith(text, holes);
  if (problem !== undefined) return { kind: 'refused', reason: problem };
  const first = holes[0]?.start ?? 0;
  const last = holes.at(-1)?.end ?? 0;
  const start = leftEdge(text, first, window.before);
  const end = rightEdge(text, last, window.after);

  const raw: string[] = [];
  let from = start;
  for (const hole of holes) {
    raw.push(text.slice(from, hole.start));
    from = hole.end;
  }
  raw.push(text.slice(from, end));

  return {
    kind: 'context',
    context: {
      segments: raw.map((segment) => wellFormed(toLf(withoutHoleMarkers(segment)))),
      lineEnding: lineEndingOf(text.slice(start, end)),
      cutBefore: start > 0,
      cutAfter: end < text.length,
      outside: { before: text.slice(0, start), after: text.slice(end) },
    },
  };
}

function problemWith(text: string, holes: readonly OffsetRange[]): string | undefined {
  if (holes.length === 0) return 'There is no hole to fill.';
  let previousEnd = 0;
  for (const [i, { start, end }] of holes.entries()) {
    const name = holes.length === 1 ? 'The hole' : `Hole ${i + 1} of ${holes.length}`;
    if (start < 0 || end > text.length || start > end) {
      return `${name} spans ${start}–${end}, but the text has ${text.length} characters.`;
    }
    if (start < previousEnd)
      return `${name} starts at ${start}, before the previous one ends (${previousEnd}).`;
    if (splitsSurrogatePair(text, start) || splitsSurrogatePair(text, end)) {
      return `${name} begins or ends inside a character (between the halves of a surrogate pair).`;
    }
    previousEnd = end;
  }
  return undefined;
}

/** A line start at most `size` before the hole, that stays the same for the next few thousand keystrokes. */
function leftEdge(text: string, hole: number, size: number): number {
  if (hole <= size) return 0;
  const step = Math.max(1, Math.min(EDGE_STEP, size >> 1));
  const edge = Math.ceil((hole - size) / step) * step;
  const lineStart = text.indexOf('\n', edge - 1) + 1;
  if (lineStart > 0 && lineStart <= hole && lineStart - edge <= step) return lineStart;
  return splitsSurrogatePair(text, edge) ? edge + 1 : edge;
}

/** A line end at most `size` after the hole: a function of the text after the hole only. */
function rightEdge(text: string, hole: number, size: number): number {
  if (text.length - hole <= size) return text.length;
  const edge = hole + size;
  const lineEnd = text.lastIndexOf('\n', edge - 1) + 1;
  if (lineEnd > hole) return lineEnd;
  return splitsSurrogatePair(text, edge) ? edge - 1 : edge;
}
