import type {
  Encoded,
  KvCache,
  KvRows,
  Logits,
  MaskedDiffusionModel,
  ModelLayout,
  StopPoll,
  TokenBlock,
} from '../../../server/src/diffusion/model';

export const tinyLayout: ModelLayout = {
  vocabSize: 40,
  firstText: 20,
  pad: 0,
  mask: 1,
  eoh: 2,
  fill: [10, 11, 12],
  holeStride: 20,
  maxHoles: 3,
  maxCanvas: 16,
  canvasSizes: [4, 8, 16],
};

interface Read {
  readonly id: number;
  readonly position: number;
}

/** What was read causally, token by token. */
class ReadCache implements KvCache {
  readonly tokens: Read[] = [];

  get length(): number {
    return this.tokens.length;
  }
}

/** One sequence a row. */
class ReadRows implements KvRows {
  constructor(readonly all: Read[][]) {}

  get rows(): number {
    return this.all.length;
  }

  shorten(row: number, tokens: number): void {
    this.all[row]!.length -= tokens;
  }

  drop(row: number): void {
    const last = this.all.pop()!;
    if (row < this.all.length) this.all[row] = last;
  }
}

/**
 * A deterministic model: the logits of a token are hashes of exactly what it may see, so that whoever shows
 * it one token too many or too few gets other numbers.
 */
export class HashModel implements MaskedDiffusionModel {
  /** Passes so far, and the widest block among them. */
  passes = 0;
  largestBlock = 0;
  /** Where given, what the logits of one text token are in every row. */
  spoil: number | undefined;

  constructor(
    readonly layout: ModelLayout = tinyLayout,
    /** Added to the logit of the end of a hole, so that tests can make holes short or endless. */
    private readonly endBias = 0,
    private readonly most = 100,
  ) {}

  mostRows(): number {
    return this.most;
  }

  async encode(ids: Int32Array, stop: StopPoll): Promise<Encoded | undefined> {
    if (await stop()) return undefined;
    const cache = new ReadCache();
    ids.forEach((id, position) => cache.tokens.push({ id, position }));
    return { cache, reused: 0 };
  }

  denoise(context: KvCache, block: TokenBlock): Promise<Logits> {
    return Promise.resolve(this.read(() => tokensOf(context), block));
  }

  extend(context: KvCache, block: TokenBlock): Promise<Logits> {
    const tokens = tokensOf(context);
    const logits = this.read(() => tokens, block);
    block.ids.forEach((id, i) => tokens.push({ id, position: block.positions[i]! }));
    return Promise.resolve(logits);
  }

  fork(context: KvCache, rows: number): KvRows {
    return new ReadRows(Array.from({ length: rows }, () => [...tokensOf(context)]));
  }

  extendRows(rows: KvRows, block: TokenBlock, counts: Int32Array): Promise<Logits> {
    if (!(rows instanceof ReadRows)) throw new TypeError('Expected rows that a HashModel forked');
    const logits = this.read((row) => rows.all[row]!, block);
    for (const [row, tokens] of rows.all.entries()) {
      for (let i = row * block.columns; i < row * block.columns + counts[row]!; i++) {
        tokens.push({ id: block.ids[i]!, position: block.positions[i]! });
      }
    }
    return Promise.resolve(logits);
  }

  truncate(context: KvCache, length: number): void {
    tokensOf(context).length = length;
  }

  /** How often it was told to forget everything. */
  forgotten = 0;

  forget(): void {
    this.forgotten += 1;
  }

  private read(past: (row: number) => readonly Read[], block: TokenBlock): Logits {
    this.passes += 1;
    this.largestBlock = Math.max(this.largestBlock, block.rows * block.columns);
    const { vocabSize, eoh } = this.layout;
    const logits = new Float32Array(block.wanted.length * vocabSize);
    for (const [w, flat] of block.wanted.entries()) {
      const row = Math.floor(flat / block.columns);
      const start = row * block.columns;
      const seen = [...past(row)];
      for (let k = start; k < start + block.columns; k++) {
        if (block.order[k]! <= block.order[flat]!)
          seen.push({ id: block.ids[k]!, position: block.positions[k]! });
      }
      let state = mix(0x9e3779b9, block.positions[flat]!);
      for (const { id, position } of seen) state = mix(mix(state, id), position);
      for (let id = 0; id < vocabSize; id++) {
        logits[w * vocabSize + id] = (mix(state, id) / 2 ** 32) * 6 + (id === eoh ? this.endBias : 0);
      }
      if (this.spoil !== undefined) logits[w * vocabSize + this.layout.firstText] = this.spoil;
    }
    return normalised(logits, vocabSize);
  }
}

/** Logits as a model gives them: natural logs of probabilities, row by row. */
export function normalised(logits: Float32Array, vocabSize: number): Float32Array {
  for (let start = 0; start < logits.length; start += vocabSize) {
    const row = logits.subarray(start, start + vocabSize);
    const max = Math.max(...row);
    const logSum = max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
    for (const [id, value] of row.entries()) row[id] = value - logSum;
  }
  return logits;
}

function mix(state: number, value: number): number {
  let x = Math.imul(state ^ value, 0x85ebca6b) >>> 0;
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
  return (x ^ (x >>> 16)) >>> 0;
}

/** What a cache of this model holds. */
export function tokensOf(context: KvCache): Read[] {
  if (context instanceof ReadCache) return context.tokens;
  throw new TypeError('Expected a cache that a HashModel encoded');
}

export const neverStop: StopPoll = () => Promise.resolve(false);

/** A context that some model read. */
export async function encoded(
  model: MaskedDiffusionModel,
  ids: readonly number[] = [5, 21, 22, 23],
): Promise<KvCache> {
  const result = await model.encode(Int32Array.from(ids), neverStop);
  return result!.cache;
}
