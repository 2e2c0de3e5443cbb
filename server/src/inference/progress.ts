/** What a person can watch; more would only keep the processes busy with each other. */
const LEAST_INTERVAL_MS = 100;

/**
 * Reports at most ten times a second. What comes sooner is left out, and not even computed: the next state
 * or the outcome says it better.
 *
 * @param now milliseconds of a monotonic clock.
 */
export function limitReports<T>(report: (state: T) => void, now: () => number): (state: () => T) => void {
  let last = -Infinity;
  return (state) => {
    const time = now();
    if (time - last < LEAST_INTERVAL_MS) return;
    last = time;
    report(state());
  };
}
