import type { Tensor } from 'onnxruntime-node';
import {
  bytesOf,
  capacityStep,
  checkSize,
  type KvMemory,
  type KvShape,
  type KvStore,
  roundedUp,
} from './kvStore';
import { float32Tensor, int32Tensor, type Session } from './session';

/** Tensors that a store holds on the device; they are freed by hand, for garbage collection does not free them. */
interface Held {
  tensors: readonly Tensor[];
}

/**
 * Keys and values that stay on the device. A small graph (cache.onnx) picks those that are wanted from what is held
 * and from a block that comes with the call, into new tensors: nothing is written in place. Moves are done in the
 * order in which they were asked for.
 */
export class DeviceMemory implements KvMemory {
  /** Two per layer and so, in this order, in every list of tensors. */
  private readonly names: readonly string[];
  /** Ends when the last move is done. */
  private tail: Promise<void> = Promise.resolve();
  private readonly abandoned = new FinalizationRegistry<Held>(free);

  /** @param mover a session of cache.onnx whose outputs stay on the device. */
  constructor(
    readonly shape: KvShape,
    private readonly mover: Session,
  ) {
    this.names = Array.from({ length: shape.layers }, (_, layer) => layer).flatMap((layer) => [
      `key_${layer}`,
      `value_${layer}`,
    ]);
  }

  create(rows: number): KvStore {
    const held: Held = { tensors: [] };
    const store = new DeviceKvStore(this, held, rows);
    this.abandoned.register(store, held);
    return store;
  }

  async release(): Promise<void> {
    await this.tail;
    await this.mover.release();
  }

  /** Does the work after all that was asked for before. @throws what it throws. */
  enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.tail.then(work);
    this.tail = done.catch(() => undefined);
    return done;
  }

  /**
   * New tensors [rows, kvHeads, capacity, headDim] on the device.
   *
   * @param slots int32 [rows × kvHeads × capacity]: which of the vectors of headDim numbers in the past and, counted
   *   on, in the block.
   */
  async move(
    past: readonly Tensor[],
    block: readonly Tensor[],
    slots: Int32Array,
    dims: readonly number[],
  ): Promise<Tensor[]> {
    const inputs: Record<string, Tensor> = { slots: int32Tensor(slots, dims) };
    for (const [i, name] of this.names.entries()) {
      inputs[`past_${name}`] = past[i]!;
      inputs[name] = block[i]!;
    }
    const wanted = this.names.map((name) => `next_${name}`);
    const outputs = await this.mover.run(inputs, Object.fromEntries(wanted.map((name) => [name, null])));
    return wanted.map((name) => outputs[name]!);
  }

  /** The graph's inputs by name. */
  named(tensors: readonly Tensor[]): Record<string, Tensor> {
    return Object.fromEntries(this.names.map((name, i) => [`past_${name}`, tensors[i]!]));
  }

  /** As many equal tensors of zeros as a store holds. */
  zeros(rows: number, capacity: number): readonly Tensor[] {
    const { kvHeads, headDim } = this.shape;
    const values = new Float32Array(rows * kvHeads * capacity * headDim);
    const zeros = float32Tensor(values, [rows, kvHeads, capacity, headDim]);
    return this.names.map(() => zeros);
  }
}

/** A slot of the new tensors comes from slot `slot` of this row of the past or of the block. */
interface Source {
  readonly from: 'past' | 'block';
  readonly row: number;
  readonly slot: number;
}

class DeviceKvStore implements KvStore {
  /** Slots a row will have once all moves are done, and those there is to be room for at the next one. */
  private capacity = capacityStep;
  private wantedCapacity = capacityStep;
  private failure: Error | undefined;

  constructor(
    private readonly memory: DeviceMemory,
    private readonly held: Held,
    private rowCount: number,
  ) {
    this.clear();
  }

  get shape(): KvShape {
    return this.memory.shape;
  }

  get rows(): number {
    return this.rowCount;
  }

  get bytes(): number {
    return this.rowCount * bytesOf(this.shape, this.capacity);
  }

  async settled(): Promise<void> {
    await this.memory.enqueue(() => Promise.resolve());
    if (this.failure !== undefined) throw this.failure;
  }

  inputs(): Record<string, Tensor> {
    return this.memory.named(this.held.tensors);
  }

  allocate(): void {
    // Every move makes new tensors of the size that is needed then.
  }

  reserve(length: number): void {
    this.wantedCapacity = Math.max(this.wantedCapacity, roundedUp(length));
  }

  clear(): void {
    this.capacity = this.wantedCapacity = capacityStep;
    const zeros = this.memory.zeros(this.rowCount, capacityStep);
    void this.memory.enqueue(() => {
      this.failure = undefined;
      free(this.held);
      this.held.tensors = zeros;
      return Promise.resolve();
    });
  }

  append(
    starts: readonly number[],
    counts: ArrayLike<number>,
    layers: readonly Float32Array[],
    columns: number,
  ): void {
    const { kvHeads, headDim } = this.shape;
    const block = layers.map((layer) => {
      checkSize(layer, this.rowCount, columns, this.shape);
      return float32Tensor(layer, [this.rowCount, kvHeads, columns, headDim]);
    });
    this.move(
      () => block,
      (row, slot) => {
        const behind = slot - starts[row]!;
        return behind >= 0 && behind < counts[row]!
          ? { from: 'block', row, slot: behind }
          : { from: 'past', row, slot };
      },
    );
  }

  copyFrom(other: KvStore, length: number): void {
    if (!(other instanceof DeviceKvStore)) throw new TypeError('Expected a store in the same memory');
    this.move(
      () => {
        if (other.failure !== undefined) throw other.failure;
        return other.held.tensors;
      },
      (row, slot) => (slot < length ? { from: 'block', row: 0, slot } : { from: 'past', row, slot }),
    );
  }

  drop(row: number): void {
    const last = this.rowCount - 1;
    const nothing = this.memory.zeros(1, 1);
    this.move(
      () => nothing,
      (target, slot) => ({ from: 'past', row: target === row ? last : target, slot }),
      last,
    );
  }

  /** Fills new tensors slot by slot from where `source` says, and lets go of the old ones. */
  private move(
    block: () => readonly Tensor[],
    source: (row: number, slot: number) => Source,
    rowsAfter = this.rowCount,
  ): void {
    const { kvHeads, headDim } = this.shape;
    const [rows, before] = [this.rowCount, this.capacity];
    const capacity = Math.max(before, this.wantedCapacity);
    [this.rowCount, this.capacity] = [rowsAfter, capacity];
    if (rowsAfter === 0) {
      void this.memory.enqueue(() => {
        free(this.held);
        return Promise.resolve();
      });
      return;
    }
    const done = this.memory.enqueue(async () => {
      const added = block();
      const columns = added[0]!.dims[2]!;
      const slots = new Int32Array(rowsAfter * kvHeads * capacity);
      for (let at = 0; at < slots.length; at++) {
        const slot = at % capacity;
        const head = Math.floor(at / capacity) % kvHeads;
        const { from, row, slot: found } = source(Math.floor(at / (capacity * kvHeads)), slot);
        slots[at] =
          from === 'past'
            ? (row * kvHeads + head) * before + Math.min(found, before - 1)
            : rows * kvHeads * before + (row * kvHeads + head) * columns + found;
      }
      const moved = await this.memory.move(this.held.tensors, added, slots, [rowsAfter, kvHeads, capacity]);
      if (moved.some(({ dims }) => dims[2] !== capacity || dims[3] !== headDim))
        throw new Error('The graph that moves keys and values gave tensors of another size than asked for');
      free(this.held);
      this.held.tensors = moved;
    });
    done.catch((error: unknown) => {
      this.failure ??= error instanceof Error ? error : new Error(String(error));
    });
  }
}

function free(held: Held): void {
  for (const tensor of held.tensors) if (tensor.location === 'gpu-buffer') tensor.dispose();
  held.tensors = [];
}
