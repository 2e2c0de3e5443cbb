/** Milliseconds in which an automatic completion should be answered, waiting for a pause included. */
export const AUTOMATIC_BUDGET_MS = 400;

const KEPT = 15;

/**
 * This machine's speed as measured on its latest automatic completions. Medians, because the first
 * request after a pause and a busy machine give outliers.
 */
export class Latency {
  /** Milliseconds, the oldest first. */
  private readonly samples: number[] = [];

  /** @param totalMs what one finished request took. */
  add(totalMs: number): void {
    this.samples.push(totalMs);
    if (this.samples.length > KEPT) this.samples.shift();
  }

  clear(): void {
    this.samples.length = 0;
  }

  /** Milliseconds of a whole request; `undefined` before the first. */
  get totalMs(): number | undefined {
    const sorted = [...this.samples].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }

  /** At least three requests were measured, and half of them missed the budget. */
  get isSlow(): boolean {
    return this.samples.length >= 3 && (this.totalMs ?? 0) > AUTOMATIC_BUDGET_MS;
  }
}
