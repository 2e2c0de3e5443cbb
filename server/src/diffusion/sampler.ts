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
  /** Of the row at hand, by id: probability over that of the likeliest. */
  private readonly weights: Float64Array;

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
  }

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
    const { weights, vocabSize, firstText, alsoAllowed } = this;
    let total = 0;
    for (let id = firstText; id < vocabSize; id++) {
      weights[id] = Math.exp((logits[start + id]! - max) / this.temperature);
      total += weights[id]!;
    }
    if (alsoAllowed !== undefined) {
      weights[alsoAllowed] = Math.exp((logits[start + alsoAllowed]! - max) / this.temperature);
      total += weights[alsoAllowed];
    }
    const sorted = this.likeliest(this.topP * total);
    let size = 0;
    let mass = 0;
    while (size < sorted.length && (size === 0 || mass < this.topP * total))
      mass += weights[sorted[size++]!]!;
    let cumulative = 0;
    for (let i = 0; i < size; i++) {
      cumulative += weights[sorted[i]!]!;
      if (u * mass < cumulative) return sorted[i]!;
    }
    return sorted[size - 1]!;
  }

  /**
   * Tokens with at least this mass, sorted; there may be more than needed. Weights are relative to the
   * largest, so that lowering a bar finds the few that matter without sorting the whole vocabulary.
   */
  private likeliest(wantedMass: number): number[] {
    const { weights, vocabSize, firstText, alsoAllowed } = this;
    for (let bar = 1e-2; ; bar = bar > 1e-12 ? bar * 1e-2 : 0) {
      const found: number[] = [];
      let mass = 0;
      const consider = (id: number): void => {
        if (weights[id]! < bar) return;
        found.push(id);
        mass += weights[id]!;
      };
      if (alsoAllowed !== undefined) consider(alsoAllowed);
      for (let id = firstText; id < vocabSize; id++) consider(id);
      if (mass >= wantedMass || bar === 0) return found.sort((a, b) => weights[b]! - weights[a]! || a - b);
    }
  }
}
