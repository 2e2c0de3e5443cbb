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
const capacityStep = 128;

/**
 * The memory behind caches: per layer two float32 buffers [rows × kvHeads × capacity × headDim]. What lies
 * behind the tokens that a row holds is left over and ignored by the graph, but always finite.
 */
export class KvStore {
  private capacity = 0;
  /** Keys of layer 0, values of layer 0, keys of layer 1, … */
  private buffers: Float32Array[] = [];
  /** The same buffers as the graph's inputs. */
  private tensors: readonly Tensor[] = [];

  constructor(
    readonly shape: KvShape,
    private rowCount: number,
  ) {
    this.reserve(1, 0);
  }

  get rows(): number {
    return this.rowCount;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
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

  /** Makes room for `length` tokens a row. Only the first `kept` tokens of each row are sure to survive it. */
  reserve(length: number, kept: number): void {
    if (length <= this.capacity) return;
    const { kvHeads, headDim } = this.shape;
    const capacity = Math.ceil(length / capacityStep) * capacityStep;
    const grown = Array.from(
      { length: 2 * this.shape.layers },
      () => new Float32Array(this.rowCount * kvHeads * capacity * headDim),
    );
    for (const [i, old] of this.buffers.entries()) {
      for (let head = 0; head < this.rowCount * kvHeads; head++) {
        const start = head * this.capacity * headDim;
        grown[i]!.set(old.subarray(start, start + kept * headDim), head * capacity * headDim);
      }
    }
    this.buffers = grown;
    this.capacity = capacity;
    this.wrapBuffers();
  }

  /**
   * Takes over tokens of what the graph gave, for which there must be room.
   *
   * @param row where they go, `at` the first slot; they are the first `count` of the same row there.
   * @param layers keys and values by layer as in the graph's outputs, each float32
   *   [rows × kvHeads × columns × headDim].
   */
  write(row: number, at: number, count: number, layers: readonly Float32Array[], columns: number): void {
    const { kvHeads, headDim } = this.shape;
    for (const [i, source] of layers.entries()) {
      if (source.length !== this.rowCount * kvHeads * columns * headDim) {
        throw new RangeError(
          `Expected ${this.rowCount * kvHeads * columns * headDim} values for ${this.rowCount}×${columns} tokens, got ${source.length}`,
        );
      }
      for (let head = row * kvHeads; head < (row + 1) * kvHeads; head++) {
        const start = head * columns * headDim;
        const target = (head * this.capacity + at) * headDim;
        this.buffers[i]!.set(source.subarray(start, start + count * headDim), target);
      }
    }
  }

  /** Copies the first `length` tokens of the other store's first row into a row, which must have room. */
  copyFrom(other: KvStore, length: number, row = 0): void {
    const { kvHeads, headDim } = this.shape;
    for (const [i, buffer] of this.buffers.entries()) {
      for (let head = 0; head < kvHeads; head++) {
        const start = head * other.capacity * headDim;
        const target = (row * kvHeads + head) * this.capacity * headDim;
        buffer.set(other.buffers[i]!.subarray(start, start + length * headDim), target);
      }
    }
  }

  /** Forgets a row; the last one takes its place. */
  drop(row: number): void {
    const size = this.shape.kvHeads * this.capacity * this.shape.headDim;
    const last = this.rowCount - 1;
    this.buffers = this.buffers.map((buffer) => {
      buffer.copyWithin(row * size, last * size, (last + 1) * size);
      return buffer.subarray(0, last * size);
    });
    this.rowCount = last;
    this.wrapBuffers();
  }

  private wrapBuffers(): void {
    const { kvHeads, headDim } = this.shape;
    const dims = [this.rowCount, kvHeads, this.capacity, headDim];
    this.tensors = this.buffers.map((buffer) => float32Tensor(buffer, dims));
  }
}
