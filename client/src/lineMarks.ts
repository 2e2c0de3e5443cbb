import { lineBreaksIn } from './textEdits';

interface Place {
  readonly line: number;
  readonly character: number;
}

/** One change of a document: `range` of the text before it became `text`. */
export interface Change {
  readonly range: { readonly start: Place; readonly end: Place };
  readonly text: string;
}

/**
 * Where a line is after changes that are made one after the other; undefined when its beginning was replaced or is
 * now inside another line. Whether its text is still the same is not looked at.
 */
export function lineAfter(line: number, changes: readonly Change[]): number | undefined {
  let now = line;
  for (const { range, text } of changes) {
    const { start, end } = range;
    const isBefore = end.line < now || (end.line === now && end.character === 0);
    if (!isBefore) {
      if (start.line < now) return undefined;
      continue;
    }
    if (end.line === now) {
      const beginsLine = text === '' ? start.character === 0 : /[\r\n]$/.test(text);
      // Typing at the beginning of a line is an edit of that line: its text will tell.
      if (!beginsLine) {
        if (start.line === now) continue;
        return undefined;
      }
    }
    now += lineBreaksIn(text) - (end.line - start.line);
  }
  return now;
}
