import { CancellationSource, type CancellationToken } from '../base/cancellation';
import { errorMessage } from '../base/async';
import type { InfillOutcome, ToWorker } from './messages';

type Asked = Extract<ToWorker, { type: 'infill' }>;

type Fill = (asked: Asked, cancellation: CancellationToken) => Promise<InfillOutcome>;

interface Entry {
  readonly asked: Asked;
  readonly source: CancellationSource;
}

/**
 * Answers requests one after the other, in the order they came: the engine is one, and two at once would
 * only make both slow. A request that is cancelled while it waits is answered without being started.
 */
export class RequestQueue {
  private readonly waiting: Entry[] = [];
  private current: Entry | undefined;

  /** @param answer is called exactly once per request. */
  constructor(
    private readonly fill: Fill,
    private readonly answer: (id: number, outcome: InfillOutcome) => void,
  ) {}

  add(asked: Asked): void {
    this.waiting.push({ asked, source: new CancellationSource() });
    if (this.current === undefined) void this.work();
  }

  /** Stops the request before its next pass, or before it starts. One that is answered already is left. */
  cancel(id: number): void {
    if (this.current?.asked.id === id) {
      this.current.source.cancel();
      return;
    }
    const index = this.waiting.findIndex((entry) => entry.asked.id === id);
    if (index < 0) return;
    this.waiting.splice(index, 1);
    this.answer(id, { kind: 'cancelled' });
  }

  /** Never rejects: whatever the engine throws becomes the outcome of the request it threw at. */
  private async work(): Promise<void> {
    for (let entry = this.waiting.shift(); entry !== undefined; entry = this.waiting.shift()) {
      this.current = entry;
      let outcome: InfillOutcome;
      try {
        outcome = await this.fill(entry.asked, entry.source.token);
      } catch (error) {
        outcome = { kind: 'failed', reason: `the inference process failed: ${errorMessage(error)}` };
      }
      this.answer(entry.asked.id, outcome);
      this.current = undefined;
    }
  }
}
