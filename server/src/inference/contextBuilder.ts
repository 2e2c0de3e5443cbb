import type { Manifest } from '../runtime/manifest';
import type { Tokenizer } from '../tokenizer/tokenizer';
import { FileTokens } from './fileTokens';
import { type Lead, splitLead, unitsPerToken } from './lead';
import type { FileChunk } from './messages';
import { headWindow, tailWindow } from './textWindow';

/** The context of the first holes of a request. */
export interface BuiltContext {
  /** At most the model's context length. */
  readonly ids: Int32Array;
  /** How many holes it has; further ones, if any, need a context of their own. */
  readonly holes: number;
  /** How many pieces of other files it begins with. */
  readonly chunks: number;
  /** What stands before each of these holes on its line: not in the context, but given on the canvas. */
  readonly leads: readonly Lead[];
}

/** Token windows move in jumps of this many tokens, see `tailWindow`. */
const jump = 64;

/** The share of the context that text between holes and right of them may take. */
const middleShare = 3 / 4;

/** The share of the context that the text below the holes gets at least, where there is that much. */
const suffixShare = 1 / 4;

/**
 * Turns text around holes into the token sequence the model was trained on:
 *
 *     [language] [file] path \n lines … [suf] below [pre] before [hole_0] between [hole_1] … [hole_k] rest of the line,
 *     beginning of below
 *
 * Pieces of other files stand in front, where they stay what they are while the text around the hole changes.
 * "below" is what follows the first line break behind the last hole. Its first tokens are said once more where the hole
 * is, if the model was trained so: a small one does not find them far away. The beginning of a hole's own line is
 * not here but begins its canvas: so the canvas predicts from a left neighbour, and while a line is typed the
 * context stays what it is.
 */
export class ContextBuilder {
  private readonly files: FileTokens;

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly manifest: Manifest,
  ) {
    this.files = new FileTokens(tokenizer, manifest);
  }

  /**
   * @param segments k + 1 texts around k ≥ 1 holes.
   * @param files pieces of other files, most useful first.
   */
  build(language: string, segments: readonly string[], files: readonly FileChunk[] = []): BuiltContext {
    const { contextTokens, repeatedBelow, layout } = this.manifest;
    const inFront = this.files.of(files);
    /** What is left for the text around the holes. */
    const contextLength = this.manifest.contextLength - inFront.ids.length;
    const most = Math.min(segments.length - 1, layout.maxHoles);
    const parts = segments.slice(0, most).map((text) => splitLead(this.tokenizer, text, this.manifest.heals));
    const { marked, holes, below } = this.takeHoles(
      segments,
      parts.map((part) => part.text),
      Math.floor(contextLength * middleShare),
    );
    const leads = parts.slice(0, holes).map((part) => part.lead);

    const before = this.tokenizer.encode(tailWindow(parts[0]?.text ?? '', contextLength * unitsPerToken));
    const after = this.tokenizer.encode(headWindow(below, contextLength * unitsPerToken));
    const repeated = after.subarray(
      0,
      Math.max(0, Math.min(repeatedBelow, contextLength - 3 - marked.length)),
    );
    const middle = [...marked, ...repeated];
    const fits = after.length + before.length <= contextLength - 3 - middle.length;
    // Where text is cut, brackets that come and go right of the cursor must not move the edges.
    const room = Math.max(0, contextLength - 3 - (fits ? middle.length : roundUp(middle.length, jump / 2)));
    const suffix = after.subarray(0, suffixLength(after.length, before.length, room, contextLength));
    const prefix = this.keepEnd(before, room - suffix.length);

    const languageToken = contextTokens.language.get(language) ?? contextTokens.language.get('other')!;
    const around = [contextTokens.suffix, ...suffix, contextTokens.prefix, ...prefix, ...middle];
    const ids = Int32Array.from([languageToken, ...inFront.ids, ...around]);
    return { ids, holes, chunks: inFront.chunks, leads };
  }

  /**
   * As many holes as the model takes at once and as the text around them leaves room for; at least one.
   *
   * @param texts what stands before each hole, without its lead.
   * @param most tokens.
   */
  private takeHoles(
    segments: readonly string[],
    texts: readonly string[],
    most: number,
  ): {
    marked: readonly number[];
    holes: number;
    below: string;
  } {
    const { contextTokens, layout } = this.manifest;
    /** Hole markers with the text between them, the text behind the last left out. */
    let open: number[] = [contextTokens.hole[0]!];
    let best = this.restOfLine(open, segments[1] ?? '', most);
    for (let hole = 1; hole < Math.min(segments.length - 1, layout.maxHoles); hole++) {
      const between = texts[hole]!;
      if (between.length > most * unitsPerToken) break;
      open = [...open, ...this.tokenizer.encode(between), contextTokens.hole[hole]!];
      if (open.length > most) break;
      const closed = this.restOfLine(open, segments[hole + 1]!, most);
      // Only one hole alone may have its rest of the line cut; of several, fewer are taken.
      if (closed.isCut) break;
      best = closed;
    }
    return best;
  }

  /** Adds the rest of the last hole's line. */
  private restOfLine(
    open: readonly number[],
    last: string,
    most: number,
  ): { marked: readonly number[]; holes: number; below: string; isCut: boolean } {
    const lineEnd = last.indexOf('\n');
    const line = lineEnd < 0 ? last : last.slice(0, lineEnd);
    const rest = this.tokenizer.encode(headWindow(line, most * unitsPerToken));
    const isCut = open.length + rest.length > most || line.length > most * unitsPerToken;
    const holes = open.reduce(
      (count, id) => count + Number(this.manifest.contextTokens.hole.includes(id)),
      0,
    );
    return {
      marked: [...open, ...rest.subarray(0, most - open.length)],
      holes,
      // Behind a line that is cut, what is below would not be what follows.
      below: lineEnd < 0 || isCut ? '' : last.slice(lineEnd),
      isCut,
    };
  }

  /** The last tokens, at most `room`: the left edge moves in jumps, to the start of a line where one is near. */
  private keepEnd(ids: Int32Array, room: number): Int32Array {
    const excess = ids.length - room;
    if (excess <= 0) return ids;
    const step = Math.max(1, Math.min(jump, Math.floor(room / 2)));
    const edge = Math.min(ids.length, roundUp(excess, step));
    const nearest = Math.min(ids.length, edge + Math.floor(step / 2));
    for (let i = edge; i < nearest; i++) {
      if (this.tokenizer.bytesOf(ids[i]!)[0] === 0x0a) return ids.subarray(i);
    }
    return ids.subarray(edge);
  }
}

/**
 * How many tokens of the text below are kept: all if everything fits, else what the text before leaves,
 * in jumps, but never less than its share.
 */
function suffixLength(after: number, before: number, room: number, contextLength: number): number {
  if (after + before <= room) return after;
  const share = Math.min(room, Math.floor(contextLength * suffixShare));
  const left = Math.floor((room - before) / jump) * jump;
  return Math.min(after, Math.max(share, left));
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
