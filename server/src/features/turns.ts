import { CancellationSource, type CancellationToken } from '../base/cancellation';
import type { Disposable } from '../base/lifecycle';

/** The right to use the model, until `dispose`. */
export interface Turn extends Disposable {
  readonly token: CancellationToken;
  /** Why the token was cancelled; `undefined` as long as it is not. */
  readonly cancelledBecause: string | undefined;
  /** Cancels after so long a time from now. */
  limit(milliseconds: number): void;
}

/**
 * Sees to it that no stale work is ever queued: a newer request cancels the one it replaces. What a
 * person asked for goes before what an editor asks for while somebody types.
 */
export class Turns {
  private automatic: RunningTurn | undefined;
  private readonly explicit = new Map<string, RunningTurn>();

  /** @param onChange called whenever a turn begins or ends */
  constructor(private readonly onChange: () => void = () => undefined) {}

  get isBusy(): boolean {
    return this.automatic !== undefined || this.explicit.size > 0;
  }

  /** `undefined` while an explicit request is being computed: that one must not be slowed down. */
  beginAutomatic(uri: string, client: CancellationToken): Turn | undefined {
    if (this.explicit.size > 0) return undefined;
    this.automatic?.cancel('A newer request took its place.');
    const turn = new RunningTurn(uri, client, () => {
      if (this.automatic === turn) this.automatic = undefined;
      this.onChange();
    });
    this.automatic = turn;
    this.onChange();
    return turn;
  }

  /** Cancels what runs automatically and the earlier explicit request of the same kind and document. */
  beginExplicit(kind: string, uri: string, client: CancellationToken): Turn {
    this.automatic?.cancel('An explicit request took its place.');
    const key = `${kind} ${uri}`;
    this.explicit.get(key)?.cancel('The same was asked for again.');
    const turn = new RunningTurn(uri, client, () => {
      if (this.explicit.get(key) === turn) this.explicit.delete(key);
      this.onChange();
    });
    this.explicit.set(key, turn);
    this.onChange();
    return turn;
  }

  /** The document is another one now: nothing computed for the old text can be used. */
  documentChanged(uri: string): void {
    if (this.automatic?.uri === uri) this.automatic.cancel('The document changed.');
    for (const turn of this.explicit.values()) if (turn.uri === uri) turn.cancel('The document changed.');
  }

  cancelAll(reason: string): void {
    this.automatic?.cancel(reason);
    for (const turn of this.explicit.values()) turn.cancel(reason);
  }
}

class RunningTurn implements Turn {
  private readonly source = new CancellationSource();
  private readonly listening: Disposable;
  private timer: NodeJS.Timeout | undefined;
  private reason: string | undefined;
  private ended = false;

  constructor(
    readonly uri: string,
    client: CancellationToken,
    private readonly onEnd: () => void,
  ) {
    this.listening = client.onCancellationRequested(() => {
      this.cancel('The editor cancelled the request.');
    });
    if (client.isCancellationRequested) this.cancel('The editor cancelled the request.');
  }

  get token(): CancellationToken {
    return this.source.token;
  }

  get cancelledBecause(): string | undefined {
    return this.reason;
  }

  limit(milliseconds: number): void {
    if (this.ended) return;
    this.timer = setTimeout(() => {
      this.cancel(`It took longer than ${milliseconds} ms.`);
    }, milliseconds);
  }

  cancel(reason: string): void {
    this.reason ??= reason;
    this.source.cancel();
  }

  dispose(): void {
    this.ended = true;
    clearTimeout(this.timer);
    this.listening.dispose();
    this.source.dispose();
    this.onEnd();
  }
}
