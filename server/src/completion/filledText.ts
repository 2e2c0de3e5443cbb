import type { Edit, Point } from '@vscode/tree-sitter-wasm';

/** Where a fill stands in the filled text, in UTF-16 units. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** A text with something in each of its holes. */
export interface FilledText {
  readonly text: string;
  readonly places: readonly Place[];
}

/** @param segments the k + 1 texts around k holes */
export function fillIn(segments: readonly string[], fills: readonly string[]): FilledText {
  let text = segments[0] ?? '';
  const places: Place[] = [];
  for (let i = 1; i < segments.length; i++) {
    const start = text.length;
    text += fills[i - 1] ?? '';
    places.push({ start, end: text.length });
    text += segments[i] ?? '';
  }
  return { text, places };
}

/** What makes one filling of a text's holes another one, to be done in this order. */
export function editsBetween(from: FilledText, to: FilledText): Edit[] {
  let position: Point = { row: 0, column: 0 };
  let reached = 0;
  return to.places.map(({ start, end }, i) => {
    const old = from.places[i] ?? { start, end: start };
    const startPosition = behind(position, to.text.slice(reached, start));
    const newEndPosition = behind(startPosition, to.text.slice(start, end));
    position = newEndPosition;
    reached = end;
    return {
      startIndex: start,
      oldEndIndex: start + old.end - old.start,
      newEndIndex: end,
      startPosition,
      oldEndPosition: behind(startPosition, from.text.slice(old.start, old.end)),
      newEndPosition,
    };
  });
}

function behind({ row, column }: Point, text: string): Point {
  const lines = text.split('\n');
  const last = lines.at(-1)?.length ?? 0;
  return lines.length > 1 ? { row: row + lines.length - 1, column: last } : { row, column: column + last };
}

/**
 * Texts that complete most holes grammatically: with one of them in every hole, the errors that remain
 * are the file's own, which no candidate has to answer for.
 */
const PLACEHOLDERS = ['', 'x', '\n', 'x()', 'x;', '"x"', '{}', 'pass'] as const;
/** In Python, where whole lines are missing. */
const PYTHON_LINES = ['pass', 'if x:', 'else:'] as const;

/** What may be put into every hole to find out which errors are the file's own. */
export function placeholders(languageId: string, segments: readonly string[]): readonly string[] {
  if (languageId !== 'python') return PLACEHOLDERS;
  const [before = '', after = ''] = segments;
  const lines = before.split('\n');
  const begun = lines.pop() ?? '';
  if (isWritten(begun)) return PLACEHOLDERS;
  // As far to the right as the lines next to the hole, or one step further.
  const nearest = [lines.findLast(isWritten), after.split('\n').slice(1).find(isWritten)];
  const [above = '', below = ''] = nearest.map((line = '') =>
    line.slice(0, line.length - line.trimStart().length),
  );
  const fitting = [`${above}    `, `${above}\t`, above, below]
    .filter((indentation) => indentation.startsWith(begun))
    .flatMap((indentation) => PYTHON_LINES.map((line) => indentation.slice(begun.length) + line));
  return [...PLACEHOLDERS, ...new Set(fitting)];
}

function isWritten(line: string): boolean {
  return line.trim() !== '';
}
