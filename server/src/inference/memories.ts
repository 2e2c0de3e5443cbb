import { LruMap } from '../base/lru';
import { HoleMemory } from '../diffusion/holeMemory';
import type { Ngrams } from '../diffusion/ngrams';
import { type BehindHole, Recall, RecalledTexts } from '../diffusion/recall';
import type { Manifest } from '../runtime/manifest';
import type { Tokenizer } from '../tokenizer/tokenizer';
import type { Lead } from './lead';
import type { FileChunk } from './messages';
import { headWindow, tailWindow } from './textWindow';

/** So much text before and behind the holes is recalled, in UTF-16 units: more than the network reads. */
const recalledBefore = 12_000;
const recalledAfter = 6_000;
/** Behind a hole with others after it, so much text is more than enough to tell places near the hole's end by. */
const behindUnits = 1_000;

/** So many tokens of other files are recalled at most, and so many of one of them. */
const mostOfFiles = 48_000;
const mostOfFile = 12_000;

/** Files are tokenised in pieces of about so many UTF-16 units, as long as there is time. */
const pieceUnits = 2_000;

/** Files whose tokens are remembered. */
const mostFiles = 64;

interface TokenisedFile {
  readonly text: string;
  /** How much of it is tokenised. */
  done: number;
  readonly ids: number[];
}

/** What the model may recall: the text around the holes, and other files. */
export class Memories {
  private readonly files = new LruMap<string, TokenisedFile>(mostFiles);

  /** @param now milliseconds of a monotonic clock. */
  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly manifest: Manifest,
    private readonly now: () => number,
    private readonly ngrams?: Ngrams | undefined,
  ) {}

  /**
   * @param segments the text around the holes; there may be more than the first ones are filled of.
   * @param leads of the holes that are filled.
   * @param deadline when no more files that were not seen before are to be read.
   * @returns one for each of these holes; undefined where the model was not measured to gain by it.
   */
  of(
    segments: readonly string[],
    leads: readonly Lead[],
    files: readonly FileChunk[],
    deadline: number,
  ): HoleMemory[] | undefined {
    const { recall: weights, layout } = this.manifest;
    if (weights === undefined) return undefined;
    const before = leads.map((lead, hole) => this.before(segments[hole]!, lead));
    const last = this.tokenizer.encode(headWindow(segments[leads.length]!, recalledAfter));
    const known = new RecalledTexts([...before, last, ...this.tokensOf(files, deadline)], layout.vocabSize);
    return leads.map((lead, hole) => {
      const after =
        hole + 1 === leads.length
          ? last
          : this.tokenizer.encode(headWindow(segments[hole + 1]!, behindUnits));
      const recall = new Recall(known, behindHole(this.tokenizer, after), weights, this.ngrams);
      return new HoleMemory(recall, [...before[hole]!.subarray(-recall.reach)], layout.eoh, lead.first);
    });
  }

  /** The tokens before a hole, without what its first token begins with. */
  private before(segment: string, lead: Lead): Int32Array {
    const lineStart =
      lead.ids.length === 0 ? segment.length - lead.opening.length : segment.lastIndexOf('\n') + 1;
    const kept = this.tokenizer.encode(tailWindow(segment.slice(0, lineStart), recalledBefore));
    return Int32Array.of(...kept, ...lead.ids);
  }

  private tokensOf(files: readonly FileChunk[], deadline: number): Int32Array[] {
    let room = mostOfFiles;
    return files.map((file) => {
      const ids = this.tokenised(file, deadline).slice(0, room);
      room -= ids.length;
      return Int32Array.from(ids);
    });
  }

  /** As many tokens of the file as there was time for until now. */
  private tokenised({ path, text }: FileChunk, deadline: number): readonly number[] {
    let file = this.files.get(path);
    if (file?.text !== text) {
      file = { text, done: 0, ids: [] };
      this.files.set(path, file);
    }
    while (file.done < text.length && file.ids.length < mostOfFile && this.now() < deadline) {
      const end = endOfPiece(text, file.done);
      for (const id of this.tokenizer.encode(text.slice(file.done, end))) file.ids.push(id);
      file.done = end;
    }
    return file.ids.slice(0, mostOfFile);
  }
}

/** The end of a line, or, where that is far away, of a character. */
function endOfPiece(text: string, start: number): number {
  const lineEnd = text.slice(start + pieceUnits, start + 2 * pieceUnits).indexOf('\n');
  return start + (lineEnd < 0 ? headWindow(text.slice(start), 2 * pieceUnits).length : pieceUnits + lineEnd);
}

const lineFeed = 0x0a;

/**
 * Where other text follows that reads as the one behind the hole does: with the same token, or with another line, however
 * far it is indented.
 *
 * @param tokens of the text behind the hole; there may be none.
 */
function behindHole(tokenizer: Tokenizer, tokens: Int32Array): BehindHole {
  const after = tokens[0];
  if (after === undefined) return { tokens, isEnd: () => false, without: (token) => token };
  const own = tokenizer.bytesOf(after);
  const shorter = new Map<number, number>();
  return {
    tokens,
    isEnd: (token) => token === after || (own[0] === lineFeed && tokenizer.bytesOf(token)[0] === lineFeed),
    without: (token) => {
      const known = shorter.get(token);
      if (known !== undefined) return known;
      const bytes = tokenizer.bytesOf(token);
      const kept = bytes.length - own.length;
      const endsSo = kept > 0 && own.every((byte, i) => byte === bytes[kept + i]);
      const rest = endsSo ? tokenizer.withBytes(bytes.subarray(0, kept)) : undefined;
      shorter.set(token, rest ?? token);
      return rest ?? token;
    },
  };
}
