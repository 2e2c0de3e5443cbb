import { errorMessage } from '../../../server/src/base/async';
import { Engine } from '../../../server/src/inference/engine';
import type { Infiller } from '../../../server/src/completion/infiller';
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
import { parseManifest } from '../../../server/src/runtime/manifest';
import { normalised } from '../diffusion/hashModel';
import { manifestJson } from '../runtime/manifestFixture';
import { tokenizer } from '../tokenizer/shippedTokenizer';

const manifest = parseManifest(manifestJson());

/**
 * A deterministic model that is certain of what stands in each hole: the text it was given. Of several holes that are
 * asked for alone, it takes the contexts to be about one after the other. Everything between the model and completion is
 * the product's own.
 */
export class ScriptedModel implements MaskedDiffusionModel {
  readonly layout: ModelLayout = manifest.layout;
  /** How often a context was read. */
  encodes = 0;
  /** The index of the first token it is not certain of, in every hole. */
  unsureFrom = Infinity;
  /** Reading contexts fails from this one on. */
  failsFrom = Infinity;
  /** Which hole stands in the first canvas. */
  private firstHole = 0;
  private script: readonly (readonly number[])[] = [];
  /** How many tokens were given before each hole. */
  private readonly leads: number[] = [];

  constructor(...fills: readonly string[]) {
    this.write(...fills);
  }

  /** From now on these are the texts of the holes. */
  write(...fills: readonly string[]): void {
    this.script = fills.map((fill) => [...tokenizer.encode(fill), this.layout.eoh]);
  }

  async encode(ids: Int32Array, stop: StopPoll): Promise<Encoded | undefined> {
    this.encodes += 1;
    if (this.encodes >= this.failsFrom) throw new Error('the model fails');
    const holes = ids.filter((id) => manifest.contextTokens.hole.includes(id)).length;
    // The first context is about all of them.
    this.firstHole = holes < this.script.length ? (this.encodes - 2) % this.script.length : 0;
    return (await stop()) ? undefined : { cache: { length: ids.length }, reused: 0 };
  }

  denoise(context: KvCache, block: TokenBlock): Promise<Logits> {
    return Promise.resolve(this.read(context, block));
  }

  extend(context: KvCache, block: TokenBlock): Promise<Logits> {
    return Promise.resolve(this.read(context, block));
  }

  forget(): void {
    // It keeps nothing.
  }

  mostRows(): number {
    return 1;
  }

  fork(context: KvCache): KvRows & KvCache {
    return { rows: 1, length: context.length, drop: () => undefined, shorten: () => undefined };
  }

  extendRows(rows: KvRows & KvCache, block: TokenBlock): Promise<Logits> {
    return Promise.resolve(this.read(rows, block));
  }

  truncate(): void {
    // Nothing is remembered that could be forgotten.
  }

  /** Where nothing is decided yet, what stands between a marker and the first mask (or the end) was given. */
  private noteLeads(block: TokenBlock): void {
    const { fill, mask } = this.layout;
    const ids = [...block.ids];
    if (block.rows > 1 || ids.includes(this.layout.eoh)) return;
    for (const [hole, marker] of fill.entries()) {
      const start = ids.indexOf(marker);
      if (start < 0) continue;
      const next = ids.findIndex((id, i) => i > start && (id === mask || fill.includes(id)));
      this.leads[hole] = (next < 0 ? ids.length : next) - start - 1;
    }
  }

  private read(context: KvCache, block: TokenBlock): Logits {
    const { vocabSize, holeStride, eoh } = this.layout;
    this.noteLeads(block);
    const logits = new Float32Array(block.wanted.length * vocabSize);
    for (const [w, flat] of block.wanted.entries()) {
      const offset = block.positions[flat]! - context.length;
      const hole = Math.floor(offset / holeStride);
      const index = (offset % holeStride) - (this.leads[hole] ?? 0);
      const token = this.script[this.firstHole + hole]?.[index] ?? eoh;
      // The likeliest token in any case, but with one chance in ten against thousands of others.
      logits[w * vocabSize + token] = index < this.unsureFrom ? 30 : Math.log((vocabSize - 1) / 9);
    }
    return normalised(logits, vocabSize);
  }
}

/** The product's engine around a model, called directly instead of through a process. */
export function infillerOf(model: MaskedDiffusionModel): Infiller {
  const engine = new Engine(model, tokenizer, manifest);
  return {
    infill: (request, cancellation, onProgress) =>
      engine
        .fill(request, cancellation, onProgress)
        .catch((error: unknown) => ({ kind: 'failed', reason: errorMessage(error) })),
  };
}
