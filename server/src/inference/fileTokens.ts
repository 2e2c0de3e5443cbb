import type { Manifest } from '../runtime/manifest';
import type { Tokenizer } from '../tokenizer/tokenizer';
import type { FileChunk } from './messages';

/** A chunk that would have to be cut to fewer tokens is left out. */
const shortestChunk = 24;

interface InFront {
  readonly ids: readonly number[];
  readonly chunks: number;
}

/** Lays out pieces of other files: `[file] path \n lines`, as many as the model gives room for; the last may be cut. */
export class FileTokens {
  /** The chunks are the same for many requests. */
  private last: { readonly key: string; readonly inFront: InFront } = {
    key: '[]',
    inFront: { ids: [], chunks: 0 },
  };

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly manifest: Manifest,
  ) {}

  of(files: readonly FileChunk[]): InFront {
    const key = JSON.stringify(files.map(({ path, text }) => [path, text]));
    if (key !== this.last.key) this.last = { key, inFront: this.layOut(files) };
    return this.last.inFront;
  }

  private layOut(files: readonly FileChunk[]): InFront {
    const { contextLength, fileShare, contextTokens } = this.manifest;
    const budget = Math.floor(contextLength * fileShare);
    const ids: number[] = [];
    let chunks = 0;
    for (const { path, text } of files) {
      const room = budget - ids.length;
      if (room < shortestChunk) break;
      const tokens = [contextTokens.file, ...this.tokenizer.encode(`${path}\n${text}`)];
      ids.push(...tokens.slice(0, room));
      chunks++;
    }
    return { ids, chunks };
  }
}
