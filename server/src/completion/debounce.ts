/** A quick answer needs no pause to hide behind, a slow one wants certainty that the person stopped. */
const AIM_MS = 150;
const SHORTEST_MS = 10;
const LONGEST_MS = 120;
/** Keystrokes further apart than this say nothing about the speed of typing. */
const PAUSE_MS = 600;

/**
 * How long to wait after a keystroke before the model is asked. The aim is an answer about `AIM_MS`
 * after the keystroke: what the model needs of it is not waited. Fast typing waits at least most of the
 * usual time between two keystrokes, because the next one would cancel the work anyway.
 */
export class Debounce {
  private lastKeystroke: number | undefined;
  private interval: number | undefined;

  /**
   * @param now milliseconds of a monotonic clock
   * @param expectedMs what the model took lately; `undefined` when it never ran
   * @returns milliseconds
   */
  delay(now: number, expectedMs: number | undefined): number {
    const gap = this.lastKeystroke === undefined ? Infinity : now - this.lastKeystroke;
    this.lastKeystroke = now;
    if (gap < PAUSE_MS) this.interval = this.interval === undefined ? gap : 0.7 * this.interval + 0.3 * gap;

    const pause = Math.max(AIM_MS - (expectedMs ?? 0), SHORTEST_MS);
    // Cheap work may be thrown away; work as long as the gap between keystrokes would never finish.
    const typing = this.interval === undefined || (expectedMs ?? 0) < this.interval ? 0 : 0.8 * this.interval;
    return Math.round(Math.min(Math.max(pause, typing), LONGEST_MS));
  }
}
