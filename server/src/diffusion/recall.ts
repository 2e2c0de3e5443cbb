import type { Logits } from './model';

/** How far what is recalled is believed, as it was found for a model on text that it was not trained on. */
export interface RecallWeights {
  /** So many last tokens are looked up, ascending. */
  readonly orders: readonly number[];
  /** [orders × 3 × 3] by order, by how often they were found (once, up to 3 times, oftener), by the likeliest token's share. */
  readonly weights: readonly (readonly (readonly number[])[])[];
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
  /** Whether a hole ends where this token follows. */
  isEnd(token: number): boolean;
  /** The token without what stands behind the hole, if that is a token; else the token itself: `)` of `);` before `;`. */
  without(token: number): number;
}

/** What may stand in one place of a hole. */
export interface RecallQuery {
  /** The tokens before it; the last ones count. */
  readonly before: readonly number[];
  /** What stands behind the hole. */
  readonly behind: BehindHole;
  /** The token that ends the hole; absent where it cannot end yet. */
  readonly end: number | undefined;
  /** The only tokens that may come, if not all may. */
  readonly allowed?: ReadonlySet<number> | undefined;
}

/** Up to so often counts as seldom, and up to such a share as disputed or as usual. */
const seldom = 3;
const disputed = 0.6;
const usual = 0.95;

/** Stands between texts: nothing is recalled across it. */
const separator = -1;

/**
 * Remembers what followed the same tokens elsewhere in the texts at hand: a cache language model (Kuhn and De Mori, 1990)
 * of several orders. A small network copies badly; code repeats itself all the time.
 */
export class Recall {
  private readonly tokens: Int32Array;
  /** The places of token t are `places[firsts[t]]` to `places[firsts[t + 1] - 1]`, ascending. */
  private readonly firsts: Int32Array;
  private readonly places: Int32Array;

  constructor(
    texts: readonly Int32Array[],
    vocabSize: number,
    private readonly weights: RecallWeights,
  ) {
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

  /** How many tokens before a place are looked at. */
  get reach(): number {
    return this.weights.orders.at(-1)!;
  }

  /**
   * Longer sequences come first: each order takes its weight of what those above it left, and shares it out by how often
   * each token followed there.
   *
   * @returns undefined where nothing is recalled.
   */
  recollect(query: RecallQuery): Recollection | undefined {
    const counts = this.countsByOrder(query);
    const seen = new Map<number, number>();
    const shares = new Map<number, number>();
    let total = 0;
    let rest = 1;
    for (let order = counts.length - 1; order >= 0; order--) {
      for (const [token, count] of counts[order]!) {
        seen.set(token, (seen.get(token) ?? 0) + count);
        total += count;
      }
      if (total === 0) continue;
      const weight = this.weightOf(order, total, Math.max(...seen.values()) / total);
      for (const [token, count] of seen) {
        shares.set(token, (shares.get(token) ?? 0) + (rest * weight * count) / total);
      }
      rest *= 1 - weight;
    }
    return total === 0 ? undefined : { rest, shares };
  }

  /** What followed, counted where exactly so many tokens are the same as `orders` says, or more but less than the next. */
  private countsByOrder({ before, behind, end, allowed }: RecallQuery): Map<number, number>[] {
    const { tokens, reach } = this;
    const { orders } = this.weights;
    const counts = orders.map(() => new Map<number, number>());
    const last = before.at(-1);
    if (last === undefined) return counts;
    for (let i = this.firsts[last]!; i < this.firsts[last + 1]!; i++) {
      const place = this.places[i]!;
      let token = tokens[place + 1]!;
      if (token === separator) continue;
      if (!behind.isEnd(token)) token = behind.without(token);
      else if (end !== undefined) token = end;
      if (allowed !== undefined && token !== end && !allowed.has(token)) continue;
      let same = 1;
      while (same < reach && same < before.length && tokens[place - same] === before.at(-1 - same)) same++;
      const order = orders.findLastIndex((tokens) => tokens <= same);
      if (order >= 0) counts[order]!.set(token, (counts[order]!.get(token) ?? 0) + 1);
    }
    return counts;
  }

  private weightOf(order: number, count: number, share: number): number {
    const often = count === 1 ? 0 : count <= seldom ? 1 : 2;
    const agreement = share < disputed ? 0 : share < usual ? 1 : 2;
    return this.weights.weights[order]![often]![agreement]!;
  }
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
