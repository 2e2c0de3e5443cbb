import type { Tensor } from 'onnxruntime-node';
import type { KvCache } from '../diffusion/model';
import { float32Tensor } from './session';

/** Shape of the keys (and of the values) of one token in all layers. */
export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Capacities are this times a power of two, so that the runtime meets few different shapes. */
const smallestCapacity = 128;

/** An id no token has: what stands at a position that a context would not have it at. */
const elsewhere = -1;

/**
 * Keys and values of one causally read sequence: per layer two float32 buffers [kvHeads × capacity ×
 * headDim]. What lies behind `length` is left over and ignored by the graph, but always finite.
 */
export class KvCacheBuffers implements KvCache {
  private capacity = smallestCapacity;
  /** Keys of layer 0, values of layer 0, keys of layer 1, … */
  private buffers: Float32Array[];
  /** The same buffers as the graph's inputs. */
  private tensors: readonly Tensor[];
  /** The ids read, as long as each stands at the position of its index. */
  private ids: number[] = [];

  constructor(private readonly shape: KvShape) {
    this.buffers = Array.from({ length: 2 * shape.layers }, () => this.newBuffer(this.capacity));
    this.tensors = this.wrapBuffers();
  }

  get length(): number {
    return this.ids.length;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.buffers.length * this.capacity * this.shape.kvHeads * this.shape.headDim * 4;
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
  }

  /** The graph's inputs past_key_i and past_value_i. */
  inputs(): Record<string, Tensor> {
    const named: Record<string, Tensor> = {};
    for (let layer = 0; layer < this.shape.layers; layer++) {
      named[`past_key_${layer}`] = this.tensors[2 * layer]!;
      named[`past_value_${layer}`] = this.tensors[2 * layer + 1]!;
    }
    return named;
  }

  /**
   * Appends what the graph gave for a block of one row.
   *
   * @param ids int32 [tokens], standing at `positions`.
   * @param layers keys and values by layer as in the graph's outputs, each float32 [kvHeads × tokens × headDim].
   */
  append(ids: Int32Array, positions: Int32Array, layers: readonly Float32Array[]): void {
    const before = this.length;
    this.reserve(before + ids.length);
    const { kvHeads, headDim } = this.shape;
    const rowSize = ids.length * headDim;
    for (const [i, source] of layers.entries()) {
      if (source.length !== kvHeads * rowSize) {
        throw new RangeError(
          `Expected ${kvHeads * rowSize} values for ${ids.length} tokens, got ${source.length}`,
        );
      }
      for (let head = 0; head < kvHeads; head++) {
        const target = (head * this.capacity + before) * headDim;
        this.buffers[i]!.set(source.subarray(head * rowSize, (head + 1) * rowSize), target);
      }
    }
    for (let i = 0; i < ids.length; i++) this.ids.push(positions[i] === before + i ? ids[i]! : elsewhere);
  }

  /** Makes this cache hold the first `length` tokens of the other one. */
  copyFrom(other: KvCacheBuffers, length: number): void {
    this.truncate(0);
    this.reserve(length);
    for (const [i, buffer] of this.buffers.entries()) {
      copyRows(other.buffers[i]!, other.capacity, buffer, this.capacity, length, this.shape);
    }
    this.ids = other.ids.slice(0, length);
  }

  private reserve(length: number): void {
    if (length <= this.capacity) return;
    let capacity = this.capacity;
    while (capacity < length) capacity *= 2;
    this.buffers = this.buffers.map((old) => {
      const grown = this.newBuffer(capacity);
      copyRows(old, this.capacity, grown, capacity, this.length, this.shape);
      return grown;
    });
    this.capacity = capacity;
    this.tensors = this.wrapBuffers();
  }

  private newBuffer(capacity: number): Float32Array {
    return new Float32Array(this.shape.kvHeads * capacity * this.shape.headDim);
  }

  private wrapBuffers(): Tensor[] {
    const { kvHeads, headDim } = this.shape;
    return this.buffers.map((buffer) => float32Tensor(buffer, [1, kvHeads, this.capacity, headDim]));
  }
}

/** Copies the first `length` tokens of every head between buffers of different capacity. */
function copyRows(
  source: Float32Array,
  sourceCapacity: number,
  target: Float32Array,
  targetCapacity: number,
  length: number,
  { kvHeads, headDim }: KvShape,
): void {
  for (let head = 0; head < kvHeads; head++) {
    const start = head * sourceCapacity * headDim;
    target.set(source.subarray(start, start + length * headDim), head * targetCapacity * headDim);
  }
}
