import type { Disposable } from './lifecycle';

/** The part of LSP's cancellation token that the engine needs, so that the server can pass its own on. */
export interface CancellationToken {
  readonly isCancellationRequested: boolean;
  /** Calls the listener once when cancelled; at once (in a microtask) when that has happened already. */
  readonly onCancellationRequested: (listener: () => void) => Disposable;
}

const nothing: Disposable = { dispose: () => undefined };

/** A token that is never cancelled. */
export const neverCancelled: CancellationToken = {
  isCancellationRequested: false,
  onCancellationRequested: () => nothing,
};

/** Makes a token and cancels it. */
export class CancellationSource implements Disposable {
  private cancelled = false;
  private readonly listeners = new Set<() => void>();

  readonly token: CancellationToken;

  constructor() {
    const isCancelled = (): boolean => this.cancelled;
    this.token = {
      get isCancellationRequested(): boolean {
        return isCancelled();
      },
      onCancellationRequested: (listener) => this.listen(listener),
    };
  }

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const listener of listeners) listener();
  }

  /** Forgets the listeners without cancelling. */
  dispose(): void {
    this.listeners.clear();
  }

  private listen(listener: () => void): Disposable {
    if (this.cancelled) {
      queueMicrotask(listener);
      return nothing;
    }
    // A wrapper of its own, so that the same function may listen twice.
    const entry = (): void => {
      listener();
    };
    this.listeners.add(entry);
    return { dispose: () => void this.listeners.delete(entry) };
  }
}
