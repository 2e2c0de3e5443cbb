import type { Tensor } from 'onnxruntime-node';
import type { Device } from '../base/device';
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
import { ContextCaches } from './contextCaches';
import { DeviceMemory } from './deviceMemory';
import { KvCacheBuffers } from './kvCache';
import { KvRowBuffers } from './kvRows';
import { bytesOf, HostMemory, type KvMemory } from './kvStore';
import type { Manifest } from './manifest';
import { cacheGraphOf, graphOf, type ModelFolder } from './modelFolder';
import { float32Data, float32Tensor, int32Tensor, int64Tensor, type NamedTensors, Session } from './session';

/** Context tokens read in one go: more is no faster, but takes more memory. A cancel is noticed between two chunks. */
export const chunkLength = 64;

/** More rows at once would gain little: each costs its share of every pass. */
const mostRows = 16;

/** Rows have copies of the context, which may take so many bytes altogether. */
const mostRowBytes = 96 * 2 ** 20;

/** All contexts that are kept may take so many bytes, unless one alone takes more. */
const mostContextBytes = 64 * 2 ** 20;

/** The exported network behind the interface that the diffusion layer works with. */
export class OnnxModel implements MaskedDiffusionModel {
  private readonly caches: ContextCaches;
  private readonly keyValueNames: readonly string[];
  /** Of the pass before, and then of the next one. */
  private logits: Logits = new Float32Array();

  private constructor(
    private readonly session: Session,
    private readonly manifest: Manifest,
    private readonly memory: KvMemory,
    readonly threads: number,
  ) {
    this.caches = new ContextCaches(memory, mostContextBytes);
    this.keyValueNames = Array.from({ length: manifest.layers }, (_, layer) => layer).flatMap((layer) => [
      `key_${layer}`,
      `value_${layer}`,
    ]);
  }

  /** @throws {ModelError} when the graph cannot be loaded or does not fit the manifest. */
  static async load(folder: ModelFolder, device: Device, threads: number): Promise<OnnxModel> {
    const { manifest } = folder;
    const path = await graphOf(folder, device.precision);
    const session = await Session.create(path, manifest, device, threads);
    return new OnnxModel(session, manifest, await memoryOn(device, folder), threads);
  }

  get layout(): ModelLayout {
    return this.manifest.layout;
  }

  mostRows(context: KvCache, room: number): number {
    if (!this.session.takesRows) return 1;
    const fitting = Math.floor(mostRowBytes / bytesOf(this.memory.shape, context.length + room));
    return Math.max(1, Math.min(mostRows, fitting));
  }

  /** Bytes of all contexts kept. */
  get cacheBytes(): number {
    return this.caches.bytes;
  }

  async encode(ids: Int32Array, stop: StopPoll): Promise<Encoded | undefined> {
    if (ids.length === 0 || ids.length > this.manifest.contextLength) {
      throw new RangeError(
        `Expected 1 to ${this.manifest.contextLength} tokens of context, got ${ids.length}`,
      );
    }
    const cache = this.caches.take(ids);
    const reused = cache.length;
    cache.allocate(ids.length);
    while (cache.length < ids.length) {
      if (await stop()) return undefined;
      const start = cache.length;
      const chunk = ids.subarray(start, Math.min(ids.length, start + chunkLength));
      await this.extend(cache, {
        rows: 1,
        columns: chunk.length,
        ids: chunk,
        positions: Int32Array.from(chunk, (_, i) => start + i),
        order: Int32Array.from(chunk, (_, i) => i),
        // The graph computes logits for at least one token; here nobody wants them.
        wanted: Int32Array.of(0),
      });
    }
    return { cache, reused };
  }

  async denoise(context: KvCache, block: TokenBlock): Promise<Logits> {
    const cache = own(context);
    this.check(block);
    const logits = this.logitsFor(block.wanted.length);
    const inputs = await inputsOf(block, cache, [cache.length]);
    const outputs = await this.session.run(inputs, { logits });
    return float32Data(outputs['logits'], 'logits');
  }

  async extend(context: KvCache, block: TokenBlock): Promise<Logits> {
    const cache = own(context);
    this.check(block);
    if (block.rows !== 1) throw new RangeError(`Expected one row to append, got ${block.rows}`);
    const { logits, layers } = await this.runWhole(await inputsOf(block, cache, [cache.length]), block);
    cache.append(block.ids, block.positions, layers);
    return logits;
  }

  fork(context: KvCache, rows: number, room: number): KvRows {
    const most = this.mostRows(context, room);
    if (rows < 1 || rows > most) throw new RangeError(`Expected 1 to ${most} rows, got ${rows}`);
    return new KvRowBuffers(this.memory, own(context), rows, room);
  }

  async extendRows(rows: KvRows, block: TokenBlock, counts: Int32Array): Promise<Logits> {
    if (!(rows instanceof KvRowBuffers)) throw new TypeError('Expected rows that this model forked');
    this.check(block);
    if (block.rows !== rows.rows || counts.length !== rows.rows) {
      throw new RangeError(`Expected ${rows.rows} rows to append to, got ${block.rows}`);
    }
    const { logits, layers } = await this.runWhole(await inputsOf(block, rows, rows.lengths), block);
    rows.append(counts, layers, block.columns);
    return logits;
  }

  truncate(context: KvCache, length: number): void {
    own(context).truncate(length);
  }

  forget(): void {
    this.caches.clear();
  }

  async release(): Promise<void> {
    if (this.memory instanceof DeviceMemory) await this.memory.release();
    await this.session.release();
  }

  private async runWhole(
    inputs: NamedTensors,
    { wanted }: TokenBlock,
  ): Promise<{ logits: Logits; layers: Float32Array[] }> {
    const others = Object.fromEntries(this.keyValueNames.map((name) => [name, null]));
    const outputs = await this.session.run(inputs, { logits: this.logitsFor(wanted.length), ...others });
    const data = (name: string): Float32Array => float32Data(outputs[name], name);
    return { logits: data('logits'), layers: this.keyValueNames.map(data) };
  }

  /** Where so many rows of logits go: always to the same place, since garbage of this size is collected late. */
  private logitsFor(rows: number): Tensor {
    const { vocabSize } = this.layout;
    if (this.logits.length < rows * vocabSize) this.logits = new Float32Array(rows * vocabSize);
    return float32Tensor(this.logits.subarray(0, rows * vocabSize), [rows, vocabSize]);
  }

  /** Catches a wrong block here, where the message can say so; in the graph it would read foreign memory. */
  private check(block: TokenBlock): void {
    const size = block.rows * block.columns;
    if (
      size === 0 ||
      block.ids.length !== size ||
      block.positions.length !== size ||
      block.order.length !== size
    ) {
      throw new RangeError(`Expected ${block.rows}×${block.columns} > 0 ids, positions and orders`);
    }
    const inRange = (values: Int32Array, limit: number): boolean => values.every((v) => v >= 0 && v < limit);
    if (!inRange(block.ids, this.layout.vocabSize)) {
      throw new RangeError(`Expected token ids below ${this.layout.vocabSize}`);
    }
    if (!inRange(block.positions, this.manifest.maxPosition)) {
      throw new RangeError(`Expected positions below ${this.manifest.maxPosition}`);
    }
    if (block.wanted.length === 0 || !inRange(block.wanted, size)) {
      throw new RangeError(`Expected at least one wanted token, all below ${size}`);
    }
  }
}

/** @param pastLengths tokens of the past: one number for all rows, or one a row. */
async function inputsOf(
  block: TokenBlock,
  past: KvCacheBuffers | KvRowBuffers,
  pastLengths: readonly number[],
): Promise<NamedTensors> {
  await past.store.settled();
  const shape = [block.rows, block.columns];
  return {
    ids: int64Tensor(block.ids, shape),
    positions: int64Tensor(block.positions, shape),
    order: int32Tensor(block.order, shape),
    past_length: int64Tensor(Int32Array.from(pastLengths), [pastLengths.length]),
    wanted: int64Tensor(block.wanted, [block.wanted.length]),
    ...past.inputs(),
  };
}

/** Of all providers, the runtime's binding for Node lets only WebGPU keep tensors on the device. */
async function memoryOn({ provider }: Device, folder: ModelFolder): Promise<KvMemory> {
  const { manifest } = folder;
  if (provider !== 'webgpu') return new HostMemory(manifest);
  return new DeviceMemory(
    manifest,
    await Session.createMover(await cacheGraphOf(folder), provider, manifest.layers),
  );
}

function own(context: KvCache): KvCacheBuffers {
  if (context instanceof KvCacheBuffers) return context;
  throw new TypeError('Expected a cache that this model encoded');
}
