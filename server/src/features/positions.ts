import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { OffsetRange } from '../completion/text';
import type { ProtocolPosition, ProtocolRange } from '../protocol';

export interface CursorOffset {
  /** UTF-16 units from the start of the document. */
  readonly offset: number;
  /** Says so when the position lies outside the document and the nearest one inside was taken. */
  readonly clamped?: string;
}

export function offsetOfCursor(document: TextDocument, position: ProtocolPosition): CursorOffset {
  const offset = document.offsetAt(position);
  const actual = document.positionAt(offset);
  if (actual.line === position.line && actual.character === position.character) return { offset };
  return {
    offset,
    clamped: `The cursor ${show(position)} is beyond the text; ${show(actual)} was taken instead.`,
  };
}

export type RangeOffsets =
  | { readonly kind: 'range'; readonly range: OffsetRange }
  | { readonly kind: 'outside'; readonly reason: string };

/** A range to be replaced must lie in the document: a guess would replace something else. */
export function offsetsOfRange(document: TextDocument, range: ProtocolRange): RangeOffsets {
  for (const position of [range.start, range.end]) {
    if (position.line < document.lineCount) continue;
    const reason = `The range ${show(range.start)}–${show(range.end)} is beyond the document, which has ${document.lineCount} lines.`;
    return { kind: 'outside', reason };
  }
  const start = document.offsetAt(range.start);
  const end = document.offsetAt(range.end);
  if (start > end) {
    const reason = `The range ${show(range.start)}–${show(range.end)} ends before it starts.`;
    return { kind: 'outside', reason };
  }
  return { kind: 'range', range: { start, end } };
}

export function toProtocolRange(document: TextDocument, { start, end }: OffsetRange): ProtocolRange {
  return { start: document.positionAt(start), end: document.positionAt(end) };
}

/** As people count: from one. */
function show({ line, character }: ProtocolPosition): string {
  return `${line + 1}:${character + 1}`;
}
