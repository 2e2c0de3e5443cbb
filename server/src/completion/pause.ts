import type { CancellationToken } from '../base/cancellation';

/** Waits, or less when cancelled meanwhile; the caller looks at the token to tell. */
export function pause(milliseconds: number, cancellation: CancellationToken): Promise<void> {
  if (milliseconds <= 0 || cancellation.isCancellationRequested) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      listening.dispose();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    const listening = cancellation.onCancellationRequested(end);
  });
}
