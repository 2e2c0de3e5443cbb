import type { Tensor } from 'onnxruntime-node';
import type { KvCache } from '../diffusion/model';
import type { KvMemory, KvStore } from './kvStore';

/** An id no token has: what stands at a position that a context would not have it at. */
const elsewhere = -1;

/** Keys and values of one causally read sequence. */
export class KvCacheBuffers implements KvCache {
  /** One row. */
  readonly store: KvStore;
  /** The ids read, as long as each stands at the position of its index. */
  private ids: number[] = [];

  constructor(memory: KvMemory) {
    this.store = memory.create(1);
  }

  get length(): number {
    return this.ids.length;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.store.bytes;
  }

  /** How many of the first tokens of `ids` are the ones held here, at the same positions. */
  commonPrefix(ids: Int32Array): number {
    const most = Math.min(ids.length, this.ids.length);
    let n = 0;
    while (n < most && this.ids[n] === ids[n]) n++;
    return n;
  }

  /** Forgets everything from `length` on; the memory stays. */
  truncate(length: number): void {
    if (length < 0 || length > this.length) {
      throw new RangeError(`Expected to keep 0 to ${this.length} tokens of the cache, got ${length}`);
    }
    this.ids.length = length;
    if (length === 0) this.store.clear();
  }

  /** Takes the memory for so many tokens at once. */
  allocate(length: number): void {
    this.store.allocate(length);
  }

  inputs(): Record<string, Tensor> {
    return this.store.inputs();
  }

  /**
   * Appends what the graph gave for a block of one row.
   *
   * @param ids int32 [tokens], standing at `positions`.
   * @param layers as `KvStore.append` takes them.
   */
  append(ids: Int32Array, positions: Int32Array, layers: readonly Float32Array[]): void {
    const before = this.length;
    this.store.reserve(before + ids.length, before);
    this.store.append([before], [ids.length], layers, ids.length);
    for (let i = 0; i < ids.length; i++) this.ids.push(positions[i] === before + i ? ids[i]! : elsewhere);
  }

  /** Makes this cache hold the first `length` tokens of the other one. */
  copyFrom(other: KvCacheBuffers, length: number): void {
    this.store.reserve(length, 0);
    this.store.copyFrom(other.store, length);
    this.ids = other.ids.slice(0, length);
  }
}
