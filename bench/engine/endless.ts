import type {
  Encoded,
  KvCache,
  KvRows,
  Logits,
  MaskedDiffusionModel,
  ModelLayout,
  StopPoll,
  TokenBlock,
} from '../../server/src/diffusion/model';

/**
 * A model that never ends a hole, so that reading token by token takes as many tokens as it is given. What
 * that costs is one number a pass.
 */
export class Endless implements MaskedDiffusionModel {
  constructor(private readonly model: MaskedDiffusionModel) {}

  get layout(): ModelLayout {
    return this.model.layout;
  }

  mostRows(context: KvCache, room: number): number {
    return this.model.mostRows(context, room);
  }

  encode(ids: Int32Array, stop: StopPoll): Promise<Encoded | undefined> {
    return this.model.encode(ids, stop);
  }

  async denoise(context: KvCache, block: TokenBlock): Promise<Logits> {
    return this.withoutEnd(await this.model.denoise(context, block));
  }

  async extend(context: KvCache, block: TokenBlock): Promise<Logits> {
    return this.withoutEnd(await this.model.extend(context, block));
  }

  fork(context: KvCache, rows: number, room: number): KvRows {
    return this.model.fork(context, rows, room);
  }

  async extendRows(rows: KvRows, block: TokenBlock, counts: Int32Array): Promise<Logits> {
    return this.withoutEnd(await this.model.extendRows(rows, block, counts));
  }

  truncate(context: KvCache, length: number): void {
    this.model.truncate(context, length);
  }

  forget(): void {
    this.model.forget();
  }

  private withoutEnd(logits: Logits): Logits {
    const { vocabSize, eoh } = this.layout;
    for (let row = 0; row < logits.length; row += vocabSize) logits[row + eoh] = -Infinity;
    return logits;
  }
}
