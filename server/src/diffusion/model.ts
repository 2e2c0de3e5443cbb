/** Ids of the markers and the geometry of canvases, as the model's manifest gives them. */
export interface ModelLayout {
  readonly vocabSize: number;
  /** The first id that stands for text; smaller ones are markers. */
  readonly firstText: number;
  readonly pad: number;
  readonly mask: number;
  /** Ends a hole. */
  readonly eoh: number;
  /** `fill[i]` opens the canvas of hole i. */
  readonly fill: readonly number[];
  /** Canvas i stands at positions P + holeStride·i and up, P being the context's length. */
  readonly holeStride: number;
  readonly maxHoles: number;
  /** The most tokens one canvas holds. */
  readonly maxCanvas: number;
  /** The canvas sizes the model was trained on, ascending. */
  readonly canvasSizes: readonly number[];
}

/**
 * Rows of tokens that are read in one pass behind a common context. All arrays are row-major
 * [rows × columns].
 */
export interface TokenBlock {
  readonly rows: number;
  readonly columns: number;
  readonly ids: Int32Array;
  readonly positions: Int32Array;
  /** Token q attends token k of its row iff order[k] ≤ order[q]; every row attends the whole context. */
  readonly order: Int32Array;
  /** Flat indices row·columns + column of the tokens whose logits are wanted; at least one. */
  readonly wanted: Int32Array;
}

/**
 * float32 logits, row-major [wanted × vocabSize], normalised: the natural-log probabilities of the whole vocabulary.
 * Valid until the next pass.
 */
export type Logits = Float32Array;

/** Keys and values of what was read causally. Only its model looks inside. */
export interface KvCache {
  /** Tokens held. */
  readonly length: number;
}

/** Continuations of one context, each with keys and values of its own. Only its model looks inside. */
export interface KvRows {
  readonly rows: number;
  /** Forgets a row; the last one takes its place. */
  drop(row: number): void;
  /** Forgets the last tokens of a row. */
  shorten(row: number, tokens: number): void;
}

/** What encoding a context came to. */
export interface Encoded {
  readonly cache: KvCache;
  /** How many tokens were there already. */
  readonly reused: number;
}

/** Polled between passes; true ends the work. It lets the event loop turn, so that a cancel can arrive. */
export type StopPoll = () => Promise<boolean>;

/** One network, two readings: text causally, canvases in both directions. */
export interface MaskedDiffusionModel {
  readonly layout: ModelLayout;
  /**
   * A cache of exactly these ids at positions 0, 1, …; what an earlier cache has in common with them is
   * not read again. Undefined when stopped on the way.
   */
  encode(ids: Int32Array, stop: StopPoll): Promise<Encoded | undefined>;
  /** Reads the block behind the context and keeps nothing of it. */
  denoise(context: KvCache, block: TokenBlock): Promise<Logits>;
  /** Reads a block of one row and appends it to the cache. */
  extend(context: KvCache, block: TokenBlock): Promise<Logits>;
  /** How many rows `fork` makes of this context at most; at least 1. */
  mostRows(context: KvCache, room: number): number;
  /** Continuations of the context, which stays as it is, each by `room` tokens or hardly more. */
  fork(context: KvCache, rows: number, room: number): KvRows;
  /**
   * Reads a block behind the rows, row by row, and appends the beginning of each to its row.
   *
   * @param counts int32 [rows]: how many tokens of each row are appended; what is behind them is padding.
   */
  extendRows(rows: KvRows, block: TokenBlock, counts: Int32Array): Promise<Logits>;
  /** Forgets the tokens of the cache from `length` on. */
  truncate(context: KvCache, length: number): void;
  /** Forgets all contexts and the memory they were in, which something went wrong with. */
  forget(): void;
}
