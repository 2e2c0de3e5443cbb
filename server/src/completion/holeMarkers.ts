import { LONGEST_FILL } from '../inference/messages';
import type { OffsetRange } from './text';

/** `⟦⟧`, with nothing, blanks or a size in tokens between. */
const MARKER = /\u27e6[ \t]*(\d{0,4})[ \t]*\u27e7/g;

export interface HoleMarker extends OffsetRange {
  /** The size hint written inside, in tokens. */
  readonly size?: number;
}

/** The hole markers of the text, in order. */
export function findHoleMarkers(text: string, within?: OffsetRange): HoleMarker[] {
  const from = within?.start ?? 0;
  const searched = within === undefined ? text : text.slice(from, within.end);
  const markers: HoleMarker[] = [];
  for (const match of searched.matchAll(MARKER)) {
    const start = from + match.index;
    const end = start + match[0].length;
    const hint = match[1] ?? '';
    markers.push(hint === '' ? { start, end } : { start, end, size: Number(hint) });
  }
  return markers;
}

/**
 * The most tokens of a hole: those written inside, up to what one hole alone can get at all. Holes that are filled
 * together get no more than a canvas holds, which the model knows.
 *
 * @param usual where nothing is written.
 */
export function mostTokensOf({ size }: Pick<HoleMarker, 'size'>, usual: number): number {
  return size === undefined || size < 1 ? usual : Math.min(size, LONGEST_FILL);
}

/**
 * The text without its markers. A marker that is not being filled now is no code: a model that read it would
 * copy it, and the copy would be thrown away.
 */
export function withoutHoleMarkers(text: string): string {
  return text.includes('\u27e6') ? text.replace(MARKER, '') : text;
}
