import { deferred, errorMessage } from '../base/async';
import type { CancellationToken } from '../base/cancellation';
import { toDisposable, type Disposable } from '../base/lifecycle';
import type { Infiller } from '../completion/infiller';
import type { InfillOutcome, InfillProgress, InfillRequest, ModelInfo } from '../inference/messages';
import type { Log } from '../log';

/** A model in a process of its own, as inference/inferenceClient.ts provides it. Starts when first asked. */
export interface ModelClient extends Infiller, Disposable {
  /** Resolves once the model is loaded and warm; rejects when it cannot be used at all. */
  ready(): Promise<ModelInfo>;
  onStateChange(listener: (state: ModelClientState) => void): Disposable;
  /** The operating system's id of the process, while there is one. */
  readonly processId: number | undefined;
}

export type ModelClientState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly info: ModelInfo }
  | { readonly kind: 'restarting'; readonly reason: string }
  | { readonly kind: 'error'; readonly reason: string };

/** Which model is to be used: a folder with its manifest, and how many threads (0: chosen by itself). */
export interface ModelChoice {
  readonly modelPath: string;
  readonly threads: number;
}

export interface HostedModel {
  readonly state: ModelClientState;
  /** The folder of the model in use. */
  readonly path: string;
  readonly pid?: number;
  /** Why the model that was asked for is not the one in use. */
  readonly warning?: string;
}

/**
 * Keeps exactly one model running: the one the settings name, or the bundled one when that cannot be
 * used. A request waits until one of them is ready.
 */
export class ModelHost implements Infiller, Disposable {
  private current: Current | undefined;
  private choice: ModelChoice | undefined;
  private state: ModelClientState = { kind: 'loading' };
  private warning: string | undefined;
  private disposed = false;
  private readonly chosen = deferred<undefined>();
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly create: (choice: ModelChoice) => ModelClient,
    private readonly bundledPath: string,
    private readonly log: Log,
  ) {}

  /** `undefined` until the first `use`. */
  get model(): HostedModel | undefined {
    if (this.current === undefined) return undefined;
    const { client, path } = this.current;
    return {
      state: this.state,
      path,
      ...(client.processId === undefined ? {} : { pid: client.processId }),
      ...(this.warning === undefined ? {} : { warning: this.warning }),
    };
  }

  onChange(listener: () => void): Disposable {
    this.listeners.add(listener);
    return toDisposable(() => void this.listeners.delete(listener));
  }

  /** Changes the model when the choice is another one; the old process ends. An empty path: the bundled one. */
  use(choice: ModelChoice): void {
    if (this.disposed) return;
    if (this.choice?.modelPath === choice.modelPath && this.choice.threads === choice.threads) return;
    this.choice = choice;
    this.warning = undefined;
    this.replaceBy(choice);
  }

  async infill(
    request: InfillRequest,
    cancellation: CancellationToken,
    onProgress?: (progress: InfillProgress) => void,
  ): Promise<InfillOutcome> {
    const arrival = await this.usable(cancellation);
    return arrival.kind === 'client' ? arrival.client.infill(request, cancellation, onProgress) : arrival;
  }

  /** Waits until a model is ready, or it is clear that none will be. */
  async settled(cancellation: CancellationToken): Promise<void> {
    await this.usable(cancellation);
  }

  dispose(): void {
    this.disposed = true;
    this.listeners.clear();
    this.stop();
    this.chosen.resolve(undefined);
  }

  private async usable(cancellation: CancellationToken): Promise<Arrival> {
    const cancelled = whenCancelled(cancellation);
    await Promise.race([this.chosen.promise, cancelled]);
    // The model in use may be replaced by the bundled one while this waits for it.
    for (;;) {
      const client = this.current?.client;
      if (client === undefined) return { kind: 'failed', reason: 'The server shuts down.' };
      const failure = await Promise.race([failureOf(client), cancelled]);
      if (cancellation.isCancellationRequested) return { kind: 'cancelled' };
      if (client !== this.current?.client) continue;
      return failure === undefined ? { kind: 'client', client } : { kind: 'failed', reason: failure };
    }
  }

  private replaceBy(choice: ModelChoice): void {
    this.stop();
    this.state = { kind: 'loading' };
    this.current = this.start(choice);
    this.chosen.resolve(undefined);
    this.notify();
  }

  private start(choice: ModelChoice): Current {
    const path = choice.modelPath === '' ? this.bundledPath : choice.modelPath;
    const client = this.create({ modelPath: path, threads: choice.threads });
    const listening = client.onStateChange((state) => {
      this.follow(choice, path, state);
    });
    // Asking starts it. What becomes of it is told by its states.
    client.ready().catch(() => undefined);
    return { client, path, listening };
  }

  private follow(choice: ModelChoice, path: string, state: ModelClientState): void {
    if (this.disposed) return;
    if (state.kind === 'error') {
      this.log.error(state.reason);
      if (path !== this.bundledPath) {
        this.warning = `The model of parafill.modelPath cannot be used; the bundled model is used instead. ${state.reason}`;
        this.replaceBy({ modelPath: '', threads: choice.threads });
        return;
      }
    }
    if (state.kind === 'ready') {
      const { name, version, provider, threads, loadMs, warmupMs } = state.info;
      this.log.info(
        `${name} ${version} from ${path} is ready on ${provider}, ${threads} threads: ` +
          `loaded in ${loadMs.toFixed(0)} ms, warmed up in ${warmupMs.toFixed(0)} ms.`,
      );
    }
    this.state = state;
    this.notify();
  }

  private stop(): void {
    this.current?.listening.dispose();
    this.current?.client.dispose();
    this.current = undefined;
  }

  private notify(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

type Arrival =
  | { readonly kind: 'client'; readonly client: ModelClient }
  | Extract<InfillOutcome, { kind: 'cancelled' | 'failed' }>;

interface Current {
  readonly client: ModelClient;
  readonly path: string;
  readonly listening: Disposable;
}

/** Waits until the model is ready (`undefined`) or says why it never will be. */
function failureOf(client: ModelClient): Promise<string | undefined> {
  return client.ready().then(
    () => undefined,
    (error: unknown) => errorMessage(error),
  );
}

function whenCancelled(cancellation: CancellationToken): Promise<undefined> {
  return new Promise((resolve) => {
    if (cancellation.isCancellationRequested) resolve(undefined);
    else
      cancellation.onCancellationRequested(() => {
        resolve(undefined);
      });
  });
}
