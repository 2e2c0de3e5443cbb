/**
 * Facts about edits of a text, without an editor. Offsets count UTF-16 units; edits are in ascending order and do
 * not overlap.
 */
export interface OffsetEdit {
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}

/** The text with the edits made. */
export function withEdits(text: string, edits: readonly OffsetEdit[]): string {
  let from = 0;
  let edited = '';
  for (const { start, end, newText } of edits) {
    edited += text.slice(from, start) + newText;
    from = end;
  }
  return edited + text.slice(from);
}

/** Where each new text stands once all edits are made. */
export function writtenRanges(
  edits: readonly OffsetEdit[],
): readonly { readonly start: number; readonly end: number }[] {
  let growth = 0;
  return edits.map(({ start, end, newText }) => {
    const from = start + growth;
    growth += newText.length - (end - start);
    return { start: from, end: from + newText.length };
  });
}

/**
 * Compares lines, not places: the server has compared the places, and what must stay is worth two looks.
 *
 * @param kept numbers of the lines that must stay
 * @returns what differs, undefined when nothing does
 */
export function changedKeptLine(
  text: string,
  edits: readonly OffsetEdit[],
  kept: readonly number[],
): { readonly line: number; readonly expected: string; readonly came: string } | undefined {
  if (kept.length === 0) return undefined;
  const before = linesOf(text);
  const after = linesOf(withEdits(text, edits));
  for (const line of kept) {
    const start = before.slice(0, line).reduce((sum, { length }) => sum + length, 0);
    let moved = line;
    for (const edit of edits) {
      if (edit.start >= start) break;
      moved += lineBreaksIn(edit.newText) - lineBreaksIn(text.slice(edit.start, edit.end));
    }
    const expected = before[line] ?? '';
    const came = after[moved] ?? '';
    if (came !== expected) return { line, expected, came };
  }
  return undefined;
}

export function lineBreaksIn(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}

/** The lines, each with its line end. */
function linesOf(text: string): string[] {
  return text.split(/(?<=\r\n|\n|\r(?!\n))/);
}
