import type { Tensor } from 'onnxruntime-node';
import type { KvRows } from '../diffusion/model';
import type { KvCacheBuffers } from './kvCache';
import type { KvMemory, KvStore } from './kvStore';

/** Copies of one context that are continued side by side, each by tokens of its own. */
export class KvRowBuffers implements KvRows {
  readonly store: KvStore;
  /** Tokens held, by row. */
  readonly lengths: number[];

  /** @param room how many tokens are expected behind the context. */
  constructor(memory: KvMemory, context: KvCacheBuffers, rows: number, room: number) {
    this.store = memory.create(rows);
    this.store.allocate(context.length + room);
    this.store.reserve(context.length, 0);
    this.store.copyFrom(context.store, context.length);
    this.lengths = new Array<number>(rows).fill(context.length);
  }

  get rows(): number {
    return this.store.rows;
  }

  inputs(): Record<string, Tensor> {
    return this.store.inputs();
  }

  /**
   * Appends the beginning of each row of a block.
   *
   * @param counts int32 [rows]: how many tokens of each row.
   * @param layers as `KvStore.append` takes them, for blocks of so many columns.
   */
  append(counts: Int32Array, layers: readonly Float32Array[], columns: number): void {
    const after = this.lengths.map((length, row) => length + counts[row]!);
    this.store.reserve(Math.max(...after), Math.max(...this.lengths));
    this.store.append([...this.lengths], counts, layers, columns);
    this.lengths.splice(0, after.length, ...after);
  }

  shorten(row: number, tokens: number): void {
    this.lengths[row]! -= tokens;
  }

  drop(row: number): void {
    this.store.drop(row);
    const last = this.lengths.pop()!;
    if (row < this.lengths.length) this.lengths[row] = last;
  }
}
