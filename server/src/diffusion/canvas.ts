import type { ModelLayout, TokenBlock } from './model';
import type { Opening } from './task';

/** What a canvas starts from: how many tokens, whether the hole's end is fixed, and which tokens are given. */
export interface CanvasHole {
  /** What stands before the first token instead of the hole's marker: the last token known of the fill. */
  readonly anchor?: number | undefined;
  /** What stands before the hole on its line: given, and no part of the fill. */
  readonly lead?: Int32Array;
  readonly opening?: Opening | undefined;
  readonly length: number;
  /** Whether `<eoh>` stands right behind the tokens. */
  readonly end: boolean;
  /** Tokens that are given and stay, by their index in the hole. */
  readonly locked?: ReadonlyMap<number, number>;
}

/** Where a hole stands in its row. */
export interface CanvasSpan {
  /** Column before the hole's first token: its lead's last token, or the `<fill>` marker without one. */
  readonly start: number;
  readonly length: number;
  readonly end: boolean;
  readonly opening: Opening | undefined;
}

/**
 * The canvases of all holes of one candidate in one row: `<fill_0> tokens <eoh> <fill_1> tokens …`. Tokens
 * are masks until they are written; written and given tokens never change.
 */
export class Canvas {
  /** int32 [columns] */
  readonly ids: Int32Array;
  /** int32 [columns] */
  readonly positions: Int32Array;
  /** One a hole, in order. */
  readonly spans: readonly CanvasSpan[];

  /** @param contextLength how many tokens stand before the first canvas. */
  constructor(
    private readonly layout: ModelLayout,
    contextLength: number,
    holes: readonly CanvasHole[],
  ) {
    if (holes.length > layout.maxHoles) {
      throw new RangeError(`Expected at most ${layout.maxHoles} holes in one canvas, got ${holes.length}`);
    }
    const columns = holes.reduce(
      (sum, { lead, length, end }) => sum + 1 + (lead?.length ?? 0) + length + (end ? 1 : 0),
      0,
    );
    this.ids = new Int32Array(columns);
    this.positions = new Int32Array(columns);
    const spans: CanvasSpan[] = [];
    let column = 0;
    for (const [index, hole] of holes.entries()) {
      const { anchor, lead = new Int32Array(), opening, length, end, locked } = hole;
      if (length < 0 || lead.length + length > layout.maxCanvas) {
        const most = layout.maxCanvas - lead.length;
        throw new RangeError(`Expected 0 to ${most} tokens in hole ${index}, got ${length}`);
      }
      const marker = column;
      const first = contextLength + layout.holeStride * index;
      this.ids[column++] = anchor ?? layout.fill[index]!;
      this.ids.set(lead, column);
      column += lead.length;
      spans.push({ start: column - 1, length, end, opening });
      for (let j = 0; j < length; j++) this.ids[column++] = locked?.get(j) ?? layout.mask;
      if (end) this.ids[column++] = layout.eoh;
      for (let c = marker; c < column; c++) this.positions[c] = first + c - marker;
    }
    this.spans = spans;
  }

  /** The same for canvases that a model cannot tell apart, where they belong to one request. */
  get key(): string {
    return this.ids.join();
  }

  get columns(): number {
    return this.ids.length;
  }

  /** Columns that are still masks, ascending. */
  maskedColumns(): number[] {
    const columns: number[] = [];
    for (let column = 0; column < this.columns; column++) {
      if (this.ids[column] === this.layout.mask) columns.push(column);
    }
    return columns;
  }

  /** The only tokens that may stand in a column, where not all may. */
  allowedAt(column: number): Int32Array | undefined {
    return this.spans.find(({ start }) => start + 1 === column)?.opening?.ids;
  }

  /**
   * The tokens before a column that are known without a gap, back to the first one of its hole.
   *
   * @returns also whether nothing of the hole is missing; undefined where the token right before the column is not known.
   */
  knownBefore(column: number): { hole: number; tokens: Int32Array; fromStart: boolean } | undefined {
    const hole = this.spans.findLastIndex(({ start }) => start < column);
    const first = this.spans[hole]!.start + 1;
    const gap = this.ids.subarray(first, column).lastIndexOf(this.layout.mask);
    const tokens = this.ids.subarray(first + gap + 1, column);
    const fromStart = gap < 0;
    return tokens.length > 0 || fromStart ? { hole, tokens, fromStart } : undefined;
  }

  /** Decides a token. @throws when that column was decided or given before. */
  write(column: number, token: number): void {
    if (this.ids[column] !== this.layout.mask) {
      throw new Error(
        `Column ${column} holds token ${this.ids[column] ?? 'none'} and must not become ${token}`,
      );
    }
    this.ids[column] = token;
  }

  /** The tokens of each hole, without markers. */
  fills(): Int32Array[] {
    return this.spans.map(({ start, length }) => this.ids.slice(start + 1, start + 1 + length));
  }

  /** Whether every hole has its end. */
  get complete(): boolean {
    return this.spans.every((span) => span.end);
  }

  /** Columns whose next token is a part of a fill or its end: what a causal reading is scored on. */
  predictingColumns(): number[] {
    return this.spans.flatMap(({ start, length, end }) =>
      Array.from({ length: length + (end ? 1 : 0) }, (_, i) => start + i),
    );
  }
}

/**
 * The column whose logits predict a column's token: the one before it, in both readings. Trained so, the
 * canvas inherits what the causal reading learnt (measured in models/LOG.md).
 */
export function predictingColumn(column: number): number {
  return column - 1;
}

/** A row of a block and the columns of it whose logits are wanted. */
export interface BlockRow {
  readonly canvas: Canvas;
  readonly wanted: readonly number[];
}

/**
 * Puts canvases of different lengths into one block. Padding comes last in order of attention, so that no
 * real token sees it.
 *
 * @param reading `both`: every token sees its whole row; `causal`: only what stands before it.
 */
export function toBlock(rows: readonly BlockRow[], reading: 'both' | 'causal', pad: number): TokenBlock {
  const columns = Math.max(...rows.map(({ canvas }) => canvas.columns));
  const size = rows.length * columns;
  const ids = new Int32Array(size).fill(pad);
  const positions = new Int32Array(size);
  const order = new Int32Array(size);
  const wanted: number[] = [];
  for (const [r, row] of rows.entries()) {
    const start = r * columns;
    ids.set(row.canvas.ids, start);
    positions.set(row.canvas.positions, start);
    for (let column = 0; column < columns; column++) {
      const isPadding = column >= row.canvas.columns;
      order[start + column] = reading === 'causal' ? column : Number(isPadding);
    }
    for (const column of row.wanted) wanted.push(start + column);
  }
  return { rows: rows.length, columns, ids, positions, order, wanted: Int32Array.from(wanted) };
}

/**
 * Splits rows so that no pass reads more than `limit` tokens (padding included) unless one row alone does:
 * logits and attention of a pass grow with it, and memory is bounded.
 */
export function chunkRows<T extends BlockRow>(rows: readonly T[], limit = 128): T[][] {
  const chunks: T[][] = [];
  let current: T[] = [];
  let columns = 0;
  for (const row of rows) {
    const wider = Math.max(columns, row.canvas.columns);
    if (current.length > 0 && wider * (current.length + 1) > limit) {
      chunks.push(current);
      current = [];
      columns = 0;
    }
    current.push(row);
    columns = Math.max(columns, row.canvas.columns);
  }
  if (current.length > 0) chunks.push(current);
  return chunks;
}
