import type { RankedChunk } from './rank';
import type { SourceFile } from './sourceFile';

/** What must be known of a model to choose pieces of files for it. */
export interface ContextRoom {
  /** The most tokens of a context. */
  readonly contextLength: number;
  /** The part of it that pieces of files may take; 0 if the model knows none. */
  readonly fileShare: number;
}

/** Code has about so many UTF-16 units a token. */
const unitsPerToken = 3.2;

/** More chunks than this are never shown. */
export const MOST_CHUNKS = 8;

/** The shares of the context that text before and behind a hole usually takes. */
const readBefore = 3 / 4;
const readAfter = 3 / 8;

/**
 * The parts of a file that are too far from the holes for the model to read them anyway.
 *
 * @param segments the text around the holes.
 */
export function farParts(path: string, segments: readonly string[], room: ContextRoom): SourceFile[] {
  const units = room.contextLength * (1 - room.fileShare) * unitsPerToken;
  const before = segments[0] ?? '';
  const after = segments.at(-1) ?? '';
  // The near part ends at a line's end, so that no line is shown in two pieces.
  const end = before.lastIndexOf('\n', before.length - units * readBefore);
  const start = after.indexOf('\n', units * readAfter);
  const parts = [
    before.length > units * readBefore ? before.slice(0, Math.max(0, end)) : '',
    start < 0 ? '' : after.slice(start + 1),
  ];
  return parts.filter((text) => text !== '').map((text) => ({ path, text, imported: true }));
}

/** The best chunks, as many as there is room for; the last may be cut there. */
export function withinRoom(ranked: readonly RankedChunk[], room: ContextRoom): RankedChunk[] {
  const units = room.contextLength * room.fileShare * unitsPerToken;
  const chosen: RankedChunk[] = [];
  let used = 0;
  for (const chunk of ranked.slice(0, MOST_CHUNKS)) {
    if (used >= units) break;
    chosen.push(chunk);
    used += chunk.path.length + chunk.text.length;
  }
  return chosen;
}
