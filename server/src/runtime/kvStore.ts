import type { Tensor } from 'onnxruntime-node';
import { float32Tensor } from './session';

/** Shape of the keys (and of the values) of one token in all layers. */
export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/**
 * Room comes in multiples of so many tokens: the runtime meets few different shapes, and the graph, which
 * looks at every slot, does not look at many empty ones.
 */
export const capacityStep = 128;

/** What so many tokens of one row take, the unused rest of the last step of capacity included. */
export function bytesOf({ layers, kvHeads, headDim }: KvShape, tokens: number): number {
  return 2 * layers * kvHeads * roundedUp(tokens) * headDim * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * The memory behind caches: per layer two float32 buffers [rows × kvHeads × capacity × headDim]. What lies
 * behind the tokens that a row holds is left over and ignored by the graph, but always finite.
 */
export interface KvStore {
  readonly shape: KvShape;
  readonly rows: number;
  /** Bytes held. */
  readonly bytes: number;
  /** Resolves once all that was asked for is done, so that `inputs` may be called. @throws when that failed. */
  settled(): Promise<void>;
  /** The graph's inputs past_key_i and past_value_i. */
  inputs(): Record<string, Tensor>;
  /** Takes the memory for `length` tokens a row at once: what grows piece by piece leaves its old places behind. */
  allocate(length: number): void;
  /** Makes room for `length` tokens a row. Only the first `kept` tokens of each row are sure to survive it. */
  reserve(length: number, kept: number): void;
  /** Forgets all tokens, so that the graph need not look at their slots. */
  clear(): void;
  /**
   * Takes over tokens of what the graph gave, for which there must be room: of each row r the first `counts[r]`,
   * to slot `starts[r]` and those behind it.
   *
   * @param layers keys and values by layer as in the graph's outputs, each float32
   *   [rows × kvHeads × columns × headDim].
   */
  append(
    starts: readonly number[],
    counts: ArrayLike<number>,
    layers: readonly Float32Array[],
    columns: number,
  ): void;
  /** Copies the first `length` tokens of the other store's first row into every row, which must have room. */
  copyFrom(other: KvStore, length: number): void;
  /** Forgets a row; the last one takes its place. */
  drop(row: number): void;
}

/** Where the stores of one model are. */
export interface KvMemory {
  readonly shape: KvShape;
  create(rows: number): KvStore;
}

/** In the memory of this process, where the CPU reads it and from where it goes to other devices at every pass. */
export class HostMemory implements KvMemory {
  constructor(readonly shape: KvShape) {}

  create(rows: number): KvStore {
    return new HostKvStore(this.shape, rows);
  }
}

class HostKvStore implements KvStore {
  /** Slots of every row and head that the graph is shown. */
  private capacity = 0;
  /** Keys of layer 0, values of layer 0, keys of layer 1, …; each may be larger than what is shown. */
  private buffers: Float32Array[];
  /** What is shown of them, as the graph's inputs. */
  private tensors: readonly Tensor[] = [];

  constructor(
    readonly shape: KvShape,
    private rowCount: number,
  ) {
    this.buffers = Array.from({ length: 2 * shape.layers }, () => new Float32Array());
    this.reserve(1, 0);
  }

  get rows(): number {
    return this.rowCount;
  }

  get bytes(): number {
    return this.buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
  }

  async settled(): Promise<void> {
    // Everything here is done at once.
  }

  inputs(): Record<string, Tensor> {
    const named: Record<string, Tensor> = {};
    for (let layer = 0; layer < this.shape.layers; layer++) {
      named[`past_key_${layer}`] = this.tensors[2 * layer]!;
      named[`past_value_${layer}`] = this.tensors[2 * layer + 1]!;
    }
    return named;
  }

  allocate(length: number): void {
    const size = this.sizeOf(roundedUp(length));
    if (this.buffers[0]!.length >= size) return;
    const shown = this.sizeOf(this.capacity);
    this.buffers = this.buffers.map((old) => {
      const grown = new Float32Array(size);
      grown.set(old.subarray(0, shown));
      return grown;
    });
    this.show(this.capacity);
  }

  reserve(length: number, kept: number): void {
    if (length <= this.capacity) return;
    const capacity = roundedUp(length);
    this.allocate(capacity);
    const { kvHeads, headDim } = this.shape;
    for (const buffer of this.buffers) {
      // The last one first: each moves to where the next one was.
      for (let head = this.rowCount * kvHeads - 1; head > 0; head--) {
        const start = head * this.capacity * headDim;
        buffer.copyWithin(head * capacity * headDim, start, start + kept * headDim);
      }
    }
    this.show(capacity);
  }

  /** The memory stays. */
  clear(): void {
    this.show(capacityStep);
  }

  append(
    starts: readonly number[],
    counts: ArrayLike<number>,
    layers: readonly Float32Array[],
    columns: number,
  ): void {
    const { kvHeads, headDim } = this.shape;
    for (const [i, source] of layers.entries()) {
      checkSize(source, this.rowCount, columns, this.shape);
      for (let head = 0; head < this.rowCount * kvHeads; head++) {
        const row = Math.floor(head / kvHeads);
        const start = head * columns * headDim;
        const target = (head * this.capacity + starts[row]!) * headDim;
        this.buffers[i]!.set(source.subarray(start, start + counts[row]! * headDim), target);
      }
    }
  }

  copyFrom(other: KvStore, length: number): void {
    if (!(other instanceof HostKvStore)) throw new TypeError('Expected a store in the same memory');
    const { kvHeads, headDim } = this.shape;
    for (const [i, buffer] of this.buffers.entries()) {
      for (let head = 0; head < this.rowCount * kvHeads; head++) {
        const start = (head % kvHeads) * other.capacity * headDim;
        const target = head * this.capacity * headDim;
        buffer.set(other.buffers[i]!.subarray(start, start + length * headDim), target);
      }
    }
  }

  drop(row: number): void {
    const size = this.shape.kvHeads * this.capacity * this.shape.headDim;
    this.rowCount -= 1;
    const last = this.rowCount;
    for (const buffer of this.buffers) buffer.copyWithin(row * size, last * size, (last + 1) * size);
    this.show(this.capacity);
  }

  /** Values of one buffer with so many slots. */
  private sizeOf(capacity: number): number {
    return this.rowCount * this.shape.kvHeads * capacity * this.shape.headDim;
  }

  private show(capacity: number): void {
    this.capacity = capacity;
    const dims = [this.rowCount, this.shape.kvHeads, capacity, this.shape.headDim];
    const size = this.sizeOf(capacity);
    this.tensors = this.buffers.map((buffer) => float32Tensor(buffer.subarray(0, size), dims));
  }
}

/** @throws when a graph's output has not the size that blocks of so many columns have. */
export function checkSize(layer: Float32Array, rows: number, columns: number, shape: KvShape): void {
  const expected = rows * shape.kvHeads * columns * shape.headDim;
  if (layer.length !== expected) {
    throw new RangeError(`Expected ${expected} values for ${rows}×${columns} tokens, got ${layer.length}`);
  }
}

export function roundedUp(length: number): number {
  return Math.ceil(length / capacityStep) * capacityStep;
}
