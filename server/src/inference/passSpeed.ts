import type {
  Encoded,
  KvCache,
  KvRows,
  Logits,
  MaskedDiffusionModel,
  ModelLayout,
  StopPoll,
  TokenBlock,
} from '../diffusion/model';

/** Passes of one size that are remembered. */
const remembered = 15;

/**
 * What a pass costs on this machine, by the number of tokens it reads. Medians, because the first
 * pass after a pause and a busy machine give outliers.
 */
export class PassSpeed {
  /** Milliseconds, the oldest first, by the size's power of two. */
  private readonly samples = new Map<number, number[]>();

  add(tokens: number, ms: number): void {
    const size = sizeOf(tokens);
    const own = this.samples.get(size) ?? [];
    this.samples.set(size, [...own, ms].slice(-remembered));
  }

  /**
   * Milliseconds of a pass; where no pass of this size was seen, as much as one of the nearest size, in
   * proportion to it where that is smaller. Undefined before the first pass.
   */
  msFor(tokens: number): number | undefined {
    const size = sizeOf(tokens);
    const [nearest] = [...this.samples.keys()].sort(
      (a, b) => Math.abs(a - size) - Math.abs(b - size) || b - a,
    );
    if (nearest === undefined) return undefined;
    return median(this.samples.get(nearest)!) * 2 ** Math.max(0, size - nearest);
  }
}

/** The model, with what its passes cost noted. */
export class TimedModel implements MaskedDiffusionModel {
  constructor(
    private readonly model: MaskedDiffusionModel,
    private readonly speed: PassSpeed,
    /** Milliseconds of a monotonic clock. */
    private readonly now: () => number,
  ) {}

  get layout(): ModelLayout {
    return this.model.layout;
  }

  mostRows(context: KvCache, room: number): number {
    return this.model.mostRows(context, room);
  }

  denoise(context: KvCache, block: TokenBlock): Promise<Logits> {
    return this.timed(block, () => this.model.denoise(context, block));
  }

  encode(ids: Int32Array, stop: StopPoll): Promise<Encoded | undefined> {
    return this.model.encode(ids, stop);
  }

  extend(context: KvCache, block: TokenBlock): Promise<Logits> {
    return this.model.extend(context, block);
  }

  fork(context: KvCache, rows: number, room: number): KvRows {
    return this.model.fork(context, rows, room);
  }

  extendRows(rows: KvRows, block: TokenBlock, counts: Int32Array): Promise<Logits> {
    return this.timed(block, () => this.model.extendRows(rows, block, counts));
  }

  truncate(context: KvCache, length: number): void {
    this.model.truncate(context, length);
  }

  forget(): void {
    this.model.forget();
  }

  private async timed({ rows, columns }: TokenBlock, pass: () => Promise<Logits>): Promise<Logits> {
    const started = this.now();
    const logits = await pass();
    this.speed.add(rows * columns, this.now() - started);
    return logits;
  }
}

function sizeOf(tokens: number): number {
  return Math.ceil(Math.log2(Math.max(1, tokens)));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
