import { expNonPositive } from './exponential';
import { summarise } from './logits';
import type { Logits } from './model';
import type { Random } from './rng';

/** A token and how sure the model was of it at temperature 1, among the tokens allowed. */
export interface Choice {
  readonly token: number;
  readonly confidence: number;
}

/** Makes one choice after the other from one row of logits, until its sampler reads another row. */
export type Chooser = (random: Random) => Choice;

/** Tokens are sorted roughly, by the logarithm of their weight, into buckets of this width … */
const bucketsPerNat = 16;
/** … of which the last one holds whatever is less likely than e^-44 times the likeliest. */
const bucketCount = 44 * bucketsPerNat + 1;

/** The tokens that may be drawn: all of the buckets before `last`, and the likeliest of that one. */
interface Nucleus {
  readonly last: number;
  readonly ofLast: readonly number[];
  /** The sum of their weights. */
  readonly mass: number;
}

/** Picks tokens from logits: the likeliest at temperature 0, else drawn from the nucleus. */
export class Sampler {
  /** Of the row at hand, by id: probability over that of the likeliest. */
  private readonly weights: Float64Array;
  /** Of the row at hand, by id: another id of the same bucket, or -1. */
  private readonly next: Int32Array;
  /** By bucket: the first of its ids, or -1. */
  private readonly first = new Int32Array(bucketCount);
  /** By bucket: the sum of its weights. */
  private readonly masses = new Float64Array(bucketCount);

  /**
   * @param temperature ≥ 0.
   * @param topP mass of the nucleus, in (0, 1]; only tokens in it are drawn.
   * @param firstText ids below are never chosen …
   * @param alsoAllowed … but for this one, where given.
   */
  constructor(
    private readonly temperature: number,
    private readonly topP: number,
    private readonly vocabSize: number,
    private readonly firstText: number,
    private readonly alsoAllowed?: number,
  ) {
    this.weights = new Float64Array(vocabSize);
    this.next = new Int32Array(vocabSize);
  }

  /**
   * Reads a row of logits once, for as many choices as are to be made from it. A choice takes one number from
   * `random` where the temperature is above 0, none otherwise.
   */
  chooserOf(logits: Logits, row: number): Chooser {
    const start = row * this.vocabSize;
    const text = summarise(logits, row, this.vocabSize, this.firstText);
    let { argmax, max, logMass } = text;
    if (this.alsoAllowed !== undefined) {
      const extra = logits[start + this.alsoAllowed]!;
      logMass = Math.log(Math.exp(logMass) + Math.exp(extra));
      // The extra id is a marker and smaller than any text id, so it wins a tie.
      if (extra >= max) {
        argmax = this.alsoAllowed;
        max = extra;
      }
    }
    const choice = (token: number): Choice => ({
      token,
      confidence: Math.exp(logits[start + token]! - logMass),
    });
    if (this.temperature === 0) {
      const likeliest = choice(argmax);
      return () => likeliest;
    }
    const nucleus = this.nucleusOf(logits, start, max);
    return (random) => choice(this.draw(nucleus, random()));
  }

  /** See `chooserOf`. */
  choose(logits: Logits, row: number, random: Random): Choice {
    return this.chooserOf(logits, row)(random);
  }

  /** The smallest set of likeliest tokens with mass ≥ topP (ties: lower id first). */
  private nucleusOf(logits: Logits, start: number, max: number): Nucleus {
    this.weigh(logits, start, max);
    const { masses, weights } = this;
    // In this order, so that the nucleus of everything ends with the last token and not behind it.
    const wanted = this.topP * masses.reduce((sum, mass) => sum + mass, 0);
    let last = 0;
    let mass = 0;
    while (last < bucketCount - 1 && mass + masses[last]! < wanted) mass += masses[last++]!;
    const ofLast: number[] = [];
    for (const id of this.bucket(last)) {
      if (mass >= wanted && mass > 0) break;
      mass += weights[id]!;
      ofLast.push(id);
    }
    return { last, ofLast, mass };
  }

  /** Puts every token that may be chosen into its bucket. */
  private weigh(logits: Logits, start: number, max: number): void {
    const { weights, next, first, masses, vocabSize, firstText, alsoAllowed, temperature } = this;
    first.fill(-1);
    masses.fill(0);
    for (let id = alsoAllowed ?? firstText; id < vocabSize; id = id < firstText ? firstText : id + 1) {
      const exponent = (logits[start + id]! - max) / temperature;
      const weight = expNonPositive(exponent);
      const bucket = Math.min(bucketCount - 1, (exponent * -bucketsPerNat) | 0);
      weights[id] = weight;
      next[id] = first[bucket]!;
      first[bucket] = id;
      masses[bucket]! += weight;
    }
  }

  /** The ids of a bucket, likeliest first. */
  private bucket(index: number): number[] {
    const { weights, next, first } = this;
    const ids: number[] = [];
    for (let id = first[index]!; id >= 0; id = next[id]!) ids.push(id);
    return ids.sort((a, b) => weights[b]! - weights[a]! || a - b);
  }

  /** The first token, likeliest first, whose cumulative share of the nucleus exceeds u. */
  private draw({ last, ofLast, mass }: Nucleus, u: number): number {
    const { masses, weights } = this;
    const target = u * mass;
    let cumulative = 0;
    for (let index = 0; index < last; index++) {
      if (cumulative + masses[index]! <= target) {
        cumulative += masses[index]!;
        continue;
      }
      for (const id of this.bucket(index)) {
        cumulative += weights[id]!;
        if (target < cumulative) return id;
      }
    }
    for (const id of ofLast) {
      cumulative += weights[id]!;
      if (target < cumulative) return id;
    }
    return ofLast.at(-1)!;
  }
}
