/** Milliseconds in which an automatic completion should be answered, waiting for a pause included. */
export const AUTOMATIC_BUDGET_MS = 400;

/** What one finished request took. */
export interface LatencySample {
  readonly steps: number;
  readonly encodeMs: number;
  readonly denoiseMs: number;
  readonly rankMs: number;
  readonly totalMs: number;
}

const KEPT = 15;

/**
 * This machine's speed as measured on its latest automatic completions. Medians, because the first
 * request after a pause and a busy machine give outliers.
 */
export class Latency {
  private readonly samples: LatencySample[] = [];

  add(sample: LatencySample): void {
    this.samples.push(sample);
    if (this.samples.length > KEPT) this.samples.shift();
  }

  clear(): void {
    this.samples.length = 0;
  }

  /** Milliseconds of a whole request; `undefined` before the first. */
  get totalMs(): number | undefined {
    return median(this.samples.map((sample) => sample.totalMs));
  }

  /** At least three requests were measured, and half of them missed the budget. */
  get isSlow(): boolean {
    return this.samples.length >= 3 && (this.totalMs ?? 0) > AUTOMATIC_BUDGET_MS;
  }

  /** How many of the wanted steps fit into the time there is; at least one. */
  stepsWithin(budgetMs: number, wanted: number): number {
    const perStep = median(this.samples.map(({ denoiseMs, steps }) => denoiseMs / Math.max(1, steps)));
    const fixed = median(this.samples.map((s) => s.totalMs - s.denoiseMs));
    if (perStep === undefined || fixed === undefined || perStep <= 0) return wanted;
    return Math.max(1, Math.min(wanted, Math.floor((budgetMs - fixed) / perStep)));
  }
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
