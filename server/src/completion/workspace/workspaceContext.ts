import { LruMap } from '../../base/lru';
import type { FileChunk } from '../../inference/messages';
import { chunksOf, isIndexed } from './chunks';
import { nearText, rankChunks, type RankedChunk } from './rank';
import { type ContextRoom, farParts, withinRoom } from './selection';
import type { SourceFile } from './sourceFile';

/** Which files there are beside a document. */
export interface WorkspaceFiles {
  /** Most useful first; the same object as long as a file stays as it is. Never waits for a disk. */
  filesFor(uri: string): readonly SourceFile[];
}

/** New chunks take the place of those the model has read already only where they have so much more in common. */
const worthChanging = 1.3;

/** Cutting files that were not seen before may take so many milliseconds of one request; the rest is for the next. */
const indexingMs = 8;

/** Documents whose chunks are remembered. */
const mostDocuments = 16;

interface Choice {
  readonly near: string;
  readonly files: readonly SourceFile[];
  readonly room: ContextRoom;
  readonly chunks: readonly RankedChunk[];
}

/**
 * Chooses pieces of other files for a context, and stays with them: they stand in front of it, so that every
 * change of theirs costs reading all of it again.
 */
export class WorkspaceContext {
  private readonly choices = new LruMap<string, Choice>(mostDocuments);

  /** @param now milliseconds of a monotonic clock. */
  constructor(
    private readonly source: WorkspaceFiles,
    private readonly now: () => number,
  ) {}

  /**
   * @param path the document's own, with slashes.
   * @param segments the text around its holes.
   */
  chunksFor(uri: string, path: string, segments: readonly string[], room: ContextRoom): readonly FileChunk[] {
    if (room.fileShare === 0) return [];
    const near = nearText(segments[0] ?? '', segments.at(-1) ?? '');
    const files = this.readyFiles(this.source.filesFor(uri));
    const held = this.choices.get(uri);
    if (held !== undefined && isFor(held, near, files, room)) return held.chunks;
    // All of them are ranked: what was chosen last time has its rank, too.
    const ranked = rankChunks(near, [...farParts(path, segments, room), ...files], Infinity);
    const chunks = stayingWith(held?.chunks ?? [], ranked, room);
    this.choices.set(uri, { near, files, room, chunks });
    return chunks;
  }

  forget(uri: string): void {
    this.choices.delete(uri);
  }

  /** The files, without those there is no time to cut now. */
  private readyFiles(files: readonly SourceFile[]): SourceFile[] {
    const deadline = this.now() + indexingMs;
    return files.filter((file) => {
      if (!isIndexed(file)) {
        if (this.now() > deadline) return false;
        chunksOf(file);
      }
      return true;
    });
  }
}

function isFor(choice: Choice, near: string, files: readonly SourceFile[], room: ContextRoom): boolean {
  return (
    choice.near === near &&
    choice.room.contextLength === room.contextLength &&
    choice.room.fileShare === room.fileShare &&
    choice.files.length === files.length &&
    choice.files.every((file, i) => file === files[i])
  );
}

/**
 * What was chosen before, as long as all of it is there and what would be chosen now is hardly better. Else the new
 * choice, with what it has in common with the old one in front and in the old order.
 */
function stayingWith(
  held: readonly RankedChunk[],
  ranked: readonly RankedChunk[],
  room: ContextRoom,
): readonly RankedChunk[] {
  const wanted = withinRoom(ranked, room);
  const now = new Map(ranked.map((chunk) => [keyOf(chunk), chunk]));
  const still = held.flatMap((chunk) => now.get(keyOf(chunk)) ?? []);
  if (held.length > 0 && still.length === held.length && valueOf(wanted) < worthChanging * valueOf(still)) {
    return still;
  }
  const chosen = new Set(wanted.map(keyOf));
  const kept = still.filter((chunk) => chosen.has(keyOf(chunk)));
  const old = new Set(kept.map(keyOf));
  return [...kept, ...wanted.filter((chunk) => !old.has(keyOf(chunk)))];
}

function keyOf({ path, text }: FileChunk): string {
  return `${path}\n${text}`;
}

/** How much a choice has in common with the text near the hole: each chunk by its length. */
function valueOf(chunks: readonly RankedChunk[]): number {
  return chunks.reduce((sum, { score, text }) => sum + score * text.length, 0);
}
