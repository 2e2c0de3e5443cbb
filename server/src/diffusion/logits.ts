import { expNonPositive } from './exponential';
import type { Logits } from './model';

/** What is to be known of the ids [from, vocabSize) of one row. */
export interface RowSummary {
  /** The likeliest of them, the lowest id of several. */
  readonly argmax: number;
  /** Natural-log probability of the likeliest. */
  readonly max: number;
  /** Natural log of the probability of all of them together. */
  readonly logMass: number;
}

const notFinite =
  'expected finite logits, but the model gave NaN or infinity. The model file or the runtime on this machine is at ' +
  'fault: what was read is forgotten, so try again; if it happens again, restart the server or choose another model';

/** Where so much of the probability is elsewhere, what is left of 1 has lost too many digits. */
const leastRest = 1 / 16;

/** @throws where the row holds no numbers: whatever came of them would look like an answer. */
export function summarise(logits: Logits, row: number, vocabSize: number, from: number): RowSummary {
  const start = row * vocabSize;
  const end = start + vocabSize;
  let max = -Infinity;
  let best = start + from;
  for (let i = best; i < end; i++) {
    if (logits[i]! > max) {
      max = logits[i]!;
      best = i;
    }
  }
  let others = 0;
  for (let i = start; i < start + from; i++) others += Math.exp(logits[i]!);
  const rest = 1 - others;
  const logMass = rest > leastRest ? Math.log(rest) : logSum(logits, start + from, end, max);
  if (!Number.isFinite(max) || !Number.isFinite(logMass)) throw new Error(notFinite);
  return { argmax: best - start, max, logMass };
}

/** As good as impossible, in nats, and still a number. */
export const impossible = -1e4;

/** Leaves in one row of logits only these ids, likely in proportion to what they were: their probabilities sum to 1. */
export function allowOnly(logits: Logits, row: number, vocabSize: number, ids: Int32Array): void {
  const start = row * vocabSize;
  const allowed = Float64Array.from(ids, (id) => logits[start + id]!);
  const logMass = logSumOf(allowed);
  if (!Number.isFinite(logMass)) throw new Error(notFinite);
  logits.fill(impossible, start, start + vocabSize);
  for (const [i, id] of ids.entries()) logits[start + id] = allowed[i]! - logMass;
}

/** Natural log of the sum of what these are the logs of. */
export function logSumOf(logs: Float64Array): number {
  const max = logs.reduce((a, b) => Math.max(a, b), -Infinity);
  return max + Math.log(logs.reduce((sum, value) => sum + Math.exp(value - max), 0));
}

/** Natural-log probability of one id among the whole vocabulary. @throws where it is no number. */
export function logProbability(logits: Logits, row: number, vocabSize: number, id: number): number {
  const value = logits[row * vocabSize + id]!;
  if (Number.isNaN(value)) throw new Error(notFinite);
  return value;
}

function logSum(logits: Logits, from: number, end: number, max: number): number {
  let sum = 0;
  for (let i = from; i < end; i++) sum += expNonPositive(logits[i]! - max);
  return max + Math.log(sum);
}
