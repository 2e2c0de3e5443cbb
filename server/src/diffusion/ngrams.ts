/** The part of the table for one number of tokens. */
export interface NgramOrder {
  /** uint32 [contexts], ascending: `contextHash` of each. */
  readonly contexts: Uint32Array;
  /** uint8 [contexts]: how many tokens of the table follow each. */
  readonly sizes: Uint8Array;
  /** uint8 [contexts]: 0, 1 or 2. */
  readonly often: Uint8Array;
  /** uint16 [followers], those of the first context, then those of the next. */
  readonly tokens: Uint16Array;
  /** uint8 [followers]: in this share 2^(-value / 16) of all times that token followed. */
  readonly shares: Uint8Array;
}

/** What followed some tokens in the training corpus. */
export interface Followers {
  /** How often the tokens were seen: 0, 1 or 2. */
  readonly often: number;
  /** [token, share] of what followed. */
  readonly shares: Iterable<readonly [token: number, share: number]>;
}

const shareOf = Float64Array.from({ length: 256 }, (_, value) => 2 ** (-value / 16));

/**
 * What usually follows in the training corpus, counted, pruned and packed by models/parafill/ngrams.py: the last thing that
 * is asked when something is recalled.
 */
export class Ngrams {
  /** [orders] int32 [contexts + 1]: where each context's followers begin. */
  private readonly starts: readonly Int32Array[];

  /** @param orders for one token, two, and so on. */
  constructor(private readonly orders: readonly NgramOrder[]) {
    this.starts = orders.map(({ sizes }) => {
      const starts = new Int32Array(sizes.length + 1);
      for (const [i, size] of sizes.entries()) starts[i + 1] = starts[i]! + size;
      return starts;
    });
  }

  /** How many last tokens are looked up. */
  get longest(): number {
    return this.orders.length;
  }

  /** What followed the last `count` tokens, or undefined where that is not known. */
  followers(before: readonly number[], count: number): Followers | undefined {
    if (before.length < count) return undefined;
    const { contexts, often, tokens, shares } = this.orders[count - 1]!;
    const at = indexOf(contexts, contextHash(before, before.length - count));
    if (at === undefined) return undefined;
    const starts = this.starts[count - 1]!;
    const found = Array.from(
      tokens.subarray(starts[at], starts[at + 1]),
      (token, i) => [token, shareOf[shares[starts[at]! + i]!]!] as const,
    );
    return { often: often[at]!, shares: found };
  }
}

/** uint32 of the tokens from a place on. Two contexts in a million share one, which does little harm. */
export function contextHash(tokens: readonly number[], from = 0): number {
  let value = 0;
  for (let i = from; i < tokens.length; i++) {
    value = Math.imul(value ^ tokens[i]!, 0x9e3779b1);
    value ^= value >>> 15;
  }
  return value >>> 0;
}

function indexOf(ascending: Uint32Array, wanted: number): number | undefined {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return ascending[low] === wanted ? low : undefined;
}
