import { summarise } from './logits';
import type { Logits } from './model';
import type { Random } from './rng';

/** A token and how sure the model was of it at temperature 1, among the tokens allowed. */
export interface Choice {
  readonly token: number;
  readonly confidence: number;
}

/** Picks tokens from logits: the likeliest at temperature 0, else drawn from the nucleus. */
export class Sampler {
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
  ) {}

  /** Takes one number from `random` per choice where the temperature is above 0, none otherwise. */
  choose(logits: Logits, row: number, random: Random): Choice {
    const start = row * this.vocabSize;
    const text = summarise(logits, row, this.vocabSize, this.firstText);
    let { argmax: token, max, logSumExp } = text;
    if (this.alsoAllowed !== undefined) {
      const extra = logits[start + this.alsoAllowed]!;
      logSumExp = max + Math.log(Math.exp(logSumExp - max) + Math.exp(extra - max));
      // The extra id is a marker and smaller than any text id, so it wins a tie.
      if (extra >= max) {
        token = this.alsoAllowed;
        max = extra;
      }
    }
    if (this.temperature > 0) token = this.draw(logits, start, max, random());
    return { token, confidence: Math.exp(logits[start + token]! - logSumExp) };
  }

  /**
   * The smallest set of likeliest tokens with mass ≥ topP (ties: lower id first), and in that order the
   * first whose cumulative share exceeds u.
   */
  private draw(logits: Logits, start: number, max: number, u: number): number {
    const weights = new Map<number, number>();
    let total = 0;
    const add = (id: number): void => {
      const weight = Math.exp((logits[start + id]! - max) / this.temperature);
      total += weight;
      // What is 1e-12 of the likeliest could only be in the nucleus when topP is within 1e-8 of 1.
      if (weight > 1e-12) weights.set(id, weight);
    };
    if (this.alsoAllowed !== undefined) add(this.alsoAllowed);
    for (let id = this.firstText; id < this.vocabSize; id++) add(id);

    const nucleus: { id: number; weight: number }[] = [];
    let mass = 0;
    const sorted = [...weights].sort(([idA, a], [idB, b]) => b - a || idA - idB);
    for (const [id, weight] of sorted) {
      nucleus.push({ id, weight });
      mass += weight;
      if (mass >= this.topP * total) break;
    }
    let cumulative = 0;
    for (const { id, weight } of nucleus) {
      cumulative += weight;
      if (u * mass < cumulative) return id;
    }
    return nucleus[nucleus.length - 1]!.id;
  }
}
