import type { FileChunk } from '../../inference/messages';
import { chunksOf, namesOf, type Chunk } from './chunks';
import type { SourceFile } from './sourceFile';

/** A chunk and how much it has in common with the text near the hole: 0 to 1, but for factors. */
export interface RankedChunk extends FileChunk {
  readonly score: number;
}

/** What is compared with chunks: so many UTF-16 units before the hole's line and behind it. */
const nearBefore = 1_500;
const nearAfter = 500;

/**
 * The text around the first hole that chunks are compared with. It leaves out the hole's line, which is being
 * typed: while one line is typed, the chunks stay.
 */
export function nearText(before: string, after: string): string {
  const start = before.lastIndexOf('\n') + 1;
  const end = after.indexOf('\n');
  return (
    before.slice(Math.max(0, start - nearBefore), start) + (end < 0 ? '' : after.slice(end, end + nearAfter))
  );
}

/** What chunks are measured by: how rare a name is among all of them. */
export class Relevance {
  private readonly weights: ReadonlyMap<string, number>;
  private readonly wanted: ReadonlySet<string>;
  private readonly total: number;

  /** @param chunks all there are to choose from. */
  constructor(near: string, chunks: readonly Pick<Chunk, 'names'>[]) {
    const frequency = new Map<string, number>();
    for (const { names } of chunks) {
      for (const name of names) frequency.set(name, (frequency.get(name) ?? 0) + 1);
    }
    // Whole numbers, so that sums are the same in every order and language.
    const weight = (count: number): number => Math.round(1024 * Math.log(1 + chunks.length / count));
    this.weights = new Map([...frequency].map(([name, count]) => [name, weight(count)]));
    this.wanted = namesOf(near);
    this.total = 0;
    // A name of the text near the hole that is in no chunk is as rare as can be.
    for (const name of this.wanted) this.total += this.weights.get(name) ?? weight(1);
  }

  /** Jaccard's measure of names, each counting by how rare it is, times the chunk's factor. */
  of({ names, factor }: Pick<Chunk, 'names' | 'factor'>): number {
    let common = 0;
    let sum = 0;
    for (const name of names) {
      const weight = this.weights.get(name) ?? 0;
      sum += weight;
      if (this.wanted.has(name)) common += weight;
    }
    return (factor * common) / (this.total + sum - common || 1);
  }
}

/**
 * The `most` chunks of the files that have most in common with the text near a hole, best first.
 * `models/parafill/workspace.py` is the same in Python.
 */
export function rankChunks(near: string, files: readonly SourceFile[], most: number): RankedChunk[] {
  const candidates = files.flatMap((file) => {
    const path = file.path.split('/').slice(-2).join('/');
    return chunksOf(file).map((chunk) => ({ path, chunk }));
  });
  const relevance = new Relevance(
    near,
    candidates.map(({ chunk }) => chunk),
  );
  return candidates
    .map(({ path, chunk }) => ({ path, text: chunk.text, score: relevance.of(chunk) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, most);
}
