import type { Logits } from './model';
import type { Ngrams } from './ngrams';

/** [orders × 3 × 3] by order, by how often it was found, by the likeliest token's share. */
export type BeliefTable = readonly (readonly (readonly number[])[])[];

/** How far what is recalled is believed, as it was found for a model on text that it was not trained on. */
export interface RecallWeights {
  /** So many last tokens are looked up, ascending. */
  readonly orders: readonly number[];
  /** [nearnessTables] by how near a place is to what stands behind the hole, the farthest first. */
  readonly weights: readonly BeliefTable[];
  /** For the n-grams of the training corpus; absent where the model has none. */
  readonly ngrams: BeliefTable | undefined;
}

/** What is recalled for one place: a part of its probability is shared out among these tokens. */
export interface Recollection {
  /** What is left to the model, above 0 and at most 1. */
  readonly rest: number;
  /** By token; together 1 - rest. */
  readonly shares: ReadonlyMap<number, number>;
}

/** What stands behind a hole, seen from places where the same follows. */
export interface BehindHole {
  /** Its tokens; the first ones count. */
  readonly tokens: ArrayLike<number>;
  /** Whether a hole ends where this token follows. */
  isEnd(token: number): boolean;
  /** The token without what stands behind the hole, if that is a token; else the token itself: `)` of `);` before `;`. */
  without(token: number): number;
}

/** What may stand in one place of a hole. */
export interface RecallQuery {
  /** The tokens before it; the last ones count. */
  readonly before: readonly number[];
  /** The token that ends the hole; absent where it cannot end yet. */
  readonly end: number | undefined;
  /** The only tokens that may come, if not all may. */
  readonly allowed?: ReadonlySet<number> | undefined;
}

/** Up to so often counts as seldom, and up to such a share as disputed or as usual. */
const seldom = 3;
const disputed = 0.6;
const usual = 0.95;

/**
 * How near a place is to what stands behind the hole, from 1 up: how many of its first tokens follow together, within how
 * many. The last one is for long holes: what is written the same way as all around the hole goes on as there.
 */
const nearnessLevels = [
  { count: 1, sight: 8 },
  { count: 2, sight: 8 },
  { count: 4, sight: 64 },
] as const;
/** How many tables of weights there are for places in the texts at hand: for those that are near, and for all others. */
export const nearnessTables = nearnessLevels.length + 1;

/** Stands between texts: nothing is recalled across it. */
const separator = -1;

type Counts = Map<number, number>;

/** Texts that something may be recalled from, as token ids; indexed once for all holes of a request. */
export class RecalledTexts {
  /** One text behind the other, a separator before, between and behind them. */
  readonly tokens: Int32Array;
  /** The places of token t are `places[firsts[t]]` to `places[firsts[t + 1] - 1]`, ascending. */
  private readonly firsts: Int32Array;
  private readonly places: Int32Array;

  constructor(texts: readonly Int32Array[], vocabSize: number) {
    this.tokens = new Int32Array(texts.reduce((sum, { length }) => sum + length + 1, 1)).fill(separator);
    let end = 1;
    for (const text of texts) {
      this.tokens.set(text, end);
      end += text.length + 1;
    }
    this.firsts = new Int32Array(vocabSize + 1);
    for (const token of this.tokens) if (token >= 0) this.firsts[token + 1]! += 1;
    for (let token = 0; token < vocabSize; token++) this.firsts[token + 1]! += this.firsts[token]!;
    this.places = new Int32Array(this.firsts[vocabSize]!);
    const next = this.firsts.slice();
    for (const [place, token] of this.tokens.entries()) if (token >= 0) this.places[next[token]!++] = place;
  }

  /** Where a token stands, ascending. */
  placesOf(token: number): Int32Array {
    return this.places.subarray(this.firsts[token], this.firsts[token + 1]);
  }
}

/**
 * Remembers what followed the same tokens elsewhere in the texts at hand: a cache language model (Kuhn and De Mori, 1990)
 * of several orders, behind it n-grams of the training corpus. A small network copies badly; code repeats itself all the
 * time.
 */
export class Recall {
  private readonly tokens: Int32Array;
  /** How near each place is to what stands behind the hole, below `nearnessTables`. */
  private readonly nearness: Uint8Array;

  constructor(
    private readonly texts: RecalledTexts,
    private readonly behind: BehindHole,
    private readonly weights: RecallWeights,
    private readonly ngrams?: Ngrams | undefined,
  ) {
    this.tokens = texts.tokens;
    this.nearness = nearnessOf(this.tokens, behind.tokens);
  }

  /** How many tokens before a place are looked at. */
  get reach(): number {
    return Math.max(this.weights.orders.at(-1)!, this.ngrams?.longest ?? 0);
  }

  /**
   * Places that are nearer to what stands behind the hole come first, and longer sequences; n-grams come last. Each takes
   * its weight of what those before it left, and shares it out by how often each token followed there.
   *
   * @returns undefined where nothing is recalled.
   */
  recollect(query: RecallQuery): Recollection | undefined {
    const shares = new Map<number, number>();
    let rest = 1;
    const believe = (table: BeliefTable, order: number, often: number, counts: Counts): void => {
      let total = 0;
      let most = 0;
      for (const count of counts.values()) {
        total += count;
        most = Math.max(most, count);
      }
      if (total === 0) return;
      const weight = table[order]![often]![agreementOf(most / total)]!;
      if (weight === 0) return;
      for (const [token, count] of counts) {
        shares.set(token, (shares.get(token) ?? 0) + (rest * weight * count) / total);
      }
      rest *= 1 - weight;
    };

    const found = this.countFollowers(query);
    for (let near = nearnessTables - 1; near >= 0; near--) {
      const seen: Counts = new Map();
      let total = 0;
      for (let order = this.weights.orders.length - 1; order >= 0; order--) {
        for (const [token, count] of found[near]![order]!) {
          add(seen, token, count);
          total += count;
        }
        believe(this.weights.weights[near]!, order, total === 1 ? 0 : total <= seldom ? 1 : 2, seen);
      }
    }
    const { ngrams } = this;
    for (let count = ngrams?.longest ?? 0; count > 0; count--) {
      const followers = ngrams!.followers(query.before, count);
      if (followers === undefined) continue;
      const counts: Counts = new Map();
      for (const [follower, share] of followers.shares) {
        const token = this.inHole(follower, query);
        if (token !== undefined) add(counts, token, share);
      }
      believe(this.weights.ngrams!, count - 1, followers.often, counts);
    }
    return shares.size === 0 ? undefined : { rest, shares };
  }

  /** What followed, by least nearness and by order: where so many tokens are the same, but fewer than the next order has. */
  private countFollowers(query: RecallQuery): readonly (readonly Counts[])[] {
    const { tokens } = this;
    const { before } = query;
    const { orders } = this.weights;
    const longest = orders.at(-1)!;
    const counts = Array.from({ length: nearnessTables }, () => orders.map((): Counts => new Map()));
    const last = before.at(-1);
    if (last === undefined) return counts;
    for (const place of this.texts.placesOf(last)) {
      if (tokens[place + 1] === separator) continue;
      const token = this.inHole(tokens[place + 1]!, query);
      if (token === undefined) continue;
      let same = 1;
      while (same < longest && same < before.length && tokens[place - same] === before.at(-1 - same)) same++;
      const order = orders.findLastIndex((tokens) => tokens <= same);
      if (order < 0) continue;
      for (let near = this.nearness[place]!; near >= 0; near--) add(counts[near]![order]!, token, 1);
    }
    return counts;
  }

  /** What a token that followed elsewhere is in the hole, or undefined where it may not come. */
  private inHole(follower: number, { end, allowed }: RecallQuery): number | undefined {
    const { behind } = this;
    const token = behind.isEnd(follower) ? (end ?? follower) : behind.without(follower);
    return allowed === undefined || token === end || allowed.has(token) ? token : undefined;
  }
}

function add(counts: Counts, token: number, count: number): void {
  counts.set(token, (counts.get(token) ?? 0) + count);
}

function agreementOf(share: number): number {
  return share < disputed ? 0 : share < usual ? 1 : 2;
}

/** uint8 [tokens]: how near each place is to what stands behind the hole. */
function nearnessOf(tokens: Int32Array, behind: ArrayLike<number>): Uint8Array {
  const nearness = new Uint8Array(tokens.length);
  for (const [i, { count, sight }] of nearnessLevels.entries()) {
    if (behind.length < count) break;
    for (let place = 0; place + count <= tokens.length; place++) {
      let same = 0;
      while (same < count && tokens[place + same] === behind[same]) same++;
      if (same < count) continue;
      // Nothing is near across texts.
      for (let near = place - 1; near >= place - sight && tokens[near] !== separator; near--) {
        nearness[near] = i + 1;
      }
    }
  }
  return nearness;
}

/** Natural-log probability of one token: the model's, and what is recalled. @param value the model's. */
export function withRecollection(
  value: number,
  token: number,
  recollection: Recollection | undefined,
): number {
  if (recollection === undefined) return value;
  return Math.log(Math.exp(value) * recollection.rest + (recollection.shares.get(token) ?? 0));
}

/** The same for all tokens of a row of normalised logits, which stay normalised. */
export function mixInto(
  logits: Logits,
  row: number,
  vocabSize: number,
  recollection: Recollection | undefined,
): void {
  if (recollection === undefined) return;
  const start = row * vocabSize;
  const values = [...recollection.shares.keys()].map(
    (token) => [token, withRecollection(logits[start + token]!, token, recollection)] as const,
  );
  const logRest = Math.log(recollection.rest);
  for (let i = start; i < start + vocabSize; i++) logits[i]! += logRest;
  for (const [token, value] of values) logits[start + token] = value;
}
