/** Even a quick machine waits so long: an editor may change the text twice for one key, as when it closes brackets. */
const SHORTEST_MS = 5;
const LONGEST_MS = 150;
/** Between two keystrokes of somebody of whose typing nothing is known yet. */
const USUAL_INTERVAL_MS = 150;
/** Keystrokes further apart than this say nothing about the speed of typing. */
const PAUSE_MS = 600;

/**
 * How long to wait after a keystroke before the model is asked. Where it answers before the next keystroke is to be
 * expected, next to nothing: a pause would only make the answer later. Where it is slower than that, most of the time
 * between two keystrokes, because the next one would cancel the work anyway.
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

    const interval = this.interval ?? USUAL_INTERVAL_MS;
    if ((expectedMs ?? 0) < interval) return SHORTEST_MS;
    return Math.round(Math.min(Math.max(0.8 * interval, SHORTEST_MS), LONGEST_MS));
  }
}
