import { expNonPositive } from './exponential';
import type { Logits } from './model';

/**
 * ln Σ exp(logit) over the ids [from, vocabSize) of one row, and the largest logit there with its id (the
 * lowest id wins ties). Sums are float64: float32 sums over a vocabulary lose digits that rankings need.
 */
export interface RowSummary {
  readonly argmax: number;
  readonly max: number;
  readonly logSumExp: number;
}

const notFinite =
  'expected finite logits, but the model gave NaN or infinity. The model file or the runtime on this machine is at ' +
  'fault: what was read is forgotten, so try again; if it happens again, restart the server or choose another model';

/** @throws where a logit is NaN or +∞, or none is finite: whatever came of them would look like an answer. */
export function summarise(logits: Logits, row: number, vocabSize: number, from: number): RowSummary {
  const start = row * vocabSize;
  let max = -Infinity;
  let argmax = from;
  for (let id = from; id < vocabSize; id++) {
    const value = logits[start + id]!;
    if (value > max) {
      max = value;
      argmax = id;
    }
  }
  let sum = 0;
  for (let id = from; id < vocabSize; id++) sum += expNonPositive(logits[start + id]! - max);
  if (!Number.isFinite(sum) || !Number.isFinite(max)) throw new Error(notFinite);
  return { argmax, max, logSumExp: max + Math.log(sum) };
}

/** Natural-log probability of one id under the softmax over the whole vocabulary. */
export function logProbability(logits: Logits, row: number, vocabSize: number, id: number): number {
  return logits[row * vocabSize + id]! - summarise(logits, row, vocabSize, 0).logSumExp;
}
