import { Engine } from '../../../server/src/inference/engine';
import type { Infiller } from '../../../server/src/completion/infiller';
import type {
  Encoded,
  KvCache,
  Logits,
  MaskedDiffusionModel,
  ModelLayout,
  StopPoll,
  TokenBlock,
} from '../../../server/src/diffusion/model';
import { parseManifest } from '../../../server/src/runtime/manifest';
import { manifestJson } from '../runtime/manifestFixture';
import { tokenizer } from '../tokenizer/shippedTokenizer';

const manifest = parseManifest(manifestJson());

/**
 * A deterministic model that is certain of what stands in each hole: the text it was given. Everything
 * between the model and completion is the product's own.
 */
export class ScriptedModel implements MaskedDiffusionModel {
  readonly layout: ModelLayout = manifest.layout;
  /** How often a context was read. */
  encodes = 0;
  private script: readonly (readonly number[])[] = [];

  constructor(...fills: readonly string[]) {
    this.write(...fills);
  }

  /** From now on these are the texts of the holes. */
  write(...fills: readonly string[]): void {
    this.script = fills.map((fill) => [...tokenizer.encode(fill), this.layout.eoh]);
  }

  async encode(ids: Int32Array, stop: StopPoll): Promise<Encoded | undefined> {
    this.encodes += 1;
    return (await stop()) ? undefined : { cache: { length: ids.length }, reused: 0 };
  }

  denoise(context: KvCache, block: TokenBlock): Promise<Logits> {
    return Promise.resolve(this.read(context, block));
  }

  extend(context: KvCache, block: TokenBlock): Promise<Logits> {
    return Promise.resolve(this.read(context, block));
  }

  truncate(): void {
    // Nothing is remembered that could be forgotten.
  }

  private read(context: KvCache, block: TokenBlock): Logits {
    const { vocabSize, holeStride, eoh } = this.layout;
    const logits = new Float32Array(block.wanted.length * vocabSize);
    for (const [w, flat] of block.wanted.entries()) {
      const offset = block.positions[flat]! - context.length;
      const fill = this.script[Math.floor(offset / holeStride)] ?? [];
      const token = fill[offset % holeStride] ?? eoh;
      logits[w * vocabSize + token] = 30;
    }
    return logits;
  }
}

/** The product's engine around a model, called directly instead of through a process. */
export function infillerOf(model: MaskedDiffusionModel): Infiller {
  const engine = new Engine(model, tokenizer, manifest);
  return { infill: (request, cancellation) => engine.fill(request, cancellation) };
}
