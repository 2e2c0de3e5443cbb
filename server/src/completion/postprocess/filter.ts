/** Where a candidate is to stand. All text has LF line ends. */
export interface FilterContext {
  readonly language: string;
  /** The text before the cursor, and the text after it. */
  readonly prefix: string;
  readonly suffix: string;
  /** Whether the document goes on beyond prefix and suffix. */
  readonly cutBefore: boolean;
  readonly cutAfter: boolean;
}

/** One rule about what may be offered at a cursor. */
export interface Filter {
  readonly name: string;
  /** The text to offer instead (often the same), or `undefined` to drop the candidate. Pure. */
  readonly apply: (text: string, context: FilterContext) => string | undefined;
}
