/** Half-open, in UTF-16 units of a document. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One change of a document: so many units from an offset on became `text`. */
export interface SpanChange {
  readonly rangeOffset: number;
  readonly rangeLength: number;
  readonly text: string;
}

/**
 * Where spans are after changes that are made one after the other. A span that is changed, or typed at, is not the
 * text any more that it was about, and is left out.
 */
export function spansAfter(spans: readonly Span[], changes: readonly SpanChange[]): readonly Span[] {
  let now = spans;
  for (const { rangeOffset, rangeLength, text } of changes) {
    const rangeEnd = rangeOffset + rangeLength;
    const growth = text.length - rangeLength;
    now = now.flatMap((span) => {
      if (rangeEnd < span.start) return [{ start: span.start + growth, end: span.end + growth }];
      return rangeOffset > span.end ? [span] : [];
    });
  }
  return now;
}
