import { deferred, errorMessage } from '../base/async';
import type { CancellationToken } from '../base/cancellation';
import { CPU, type Device, deviceName } from '../base/device';
import { toDisposable, type Disposable } from '../base/lifecycle';
import type { Infiller } from '../completion/infiller';
import type { InfillOutcome, InfillProgress, InfillRequest, ModelInfo } from '../inference/messages';
import type { Log } from '../log';
import type { Settings } from '../settings';

/** A model in a process of its own, as inference/inferenceClient.ts provides it. Starts when first asked. */
export interface ModelClient extends Infiller, Disposable {
  /** Resolves once the model is loaded and warm; rejects when it cannot be used at all. */
  ready(): Promise<ModelInfo>;
  readonly state: ModelClientState;
  onStateChange(listener: (state: ModelClientState) => void): Disposable;
  /** The operating system's id of the process, while there is one. */
  readonly processId: number | undefined;
}

export type ModelClientState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly info: ModelInfo }
  | { readonly kind: 'restarting'; readonly reason: string }
  | { readonly kind: 'error'; readonly reason: string };

/** Which model is to be used: a folder with its manifest; how many threads (0: chosen by itself); and on what. */
export interface ModelChoice {
  readonly modelPath: string;
  readonly threads: number;
  readonly provider: Settings['provider'];
}

/** Decides what a model runs on, as providers/deviceChooser.ts does. */
export interface Devices {
  choose(
    modelPath: string,
    wanted: Settings['provider'],
    threads: number,
    signal: AbortSignal,
  ): Promise<{ readonly device: Device; readonly complaint?: string }>;
  /** A device that was chosen failed. */
  blame(modelPath: string, device: Device, reason: string): Promise<void>;
}

export interface ModelHostOptions {
  readonly create: (model: {
    readonly modelPath: string;
    readonly threads: number;
    readonly device: Device;
  }) => ModelClient;
  readonly devices: Devices;
  readonly bundledPath: string;
  readonly log: Log;
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
 * used. A request waits until one of them is ready. Every model starts on the CPU; once it is ready there, it is found
 * out whether another device does better, and the model moves there. It comes back when that device fails.
 */
export class ModelHost implements Infiller, Disposable {
  private current: Current | undefined;
  private choice: ModelChoice | undefined;
  private state: ModelClientState = { kind: 'loading' };
  private warning: string | undefined;
  private disposed = false;
  private readonly chosen = deferred<undefined>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly options: ModelHostOptions) {}

  /** `undefined` until the first `use`, and while none is wanted. */
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

  /**
   * Changes the model when the choice is another one; the old process ends. An empty path: the bundled one. No choice: no
   * model is wanted for now.
   */
  use(choice: ModelChoice | undefined): void {
    if (this.disposed) return;
    if (JSON.stringify(this.choice) !== JSON.stringify(choice)) {
      this.choice = choice;
      this.warning = undefined;
      if (choice !== undefined) this.replaceBy(choice);
      else {
        this.stop();
        this.notify();
      }
    }
    this.chosen.resolve(undefined);
  }

  async infill(
    request: InfillRequest,
    cancellation: CancellationToken,
    onProgress?: (progress: InfillProgress) => void,
  ): Promise<InfillOutcome> {
    const arrival = await this.usable(cancellation);
    if (arrival.kind !== 'current') return arrival;
    const { current } = arrival;
    current.open += 1;
    try {
      return await current.client.infill(request, cancellation, onProgress);
    } finally {
      current.open -= 1;
      if (current !== this.current && current.open === 0) current.client.dispose();
    }
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
      const { current } = this;
      if (current === undefined) {
        const reason = this.disposed ? 'The server shuts down.' : 'Parafill is switched off.';
        return { kind: 'failed', reason };
      }
      const failure = await Promise.race([failureOf(current.client), cancelled]);
      if (cancellation.isCancellationRequested) return { kind: 'cancelled' };
      if (current !== this.current) continue;
      return failure === undefined ? { kind: 'current', current } : { kind: 'failed', reason: failure };
    }
  }

  private replaceBy(choice: ModelChoice): void {
    this.stop();
    this.state = { kind: 'loading' };
    this.current = this.start(choice);
    this.notify();
  }

  private start(choice: ModelChoice, device = CPU, search?: AbortController): Current {
    const path = choice.modelPath === '' ? this.options.bundledPath : choice.modelPath;
    const client = this.options.create({ modelPath: path, threads: choice.threads, device });
    const current: Current = {
      client,
      path,
      choice,
      device,
      search,
      listening: client.onStateChange((state) => {
        if (current === this.current) this.follow(current, state);
      }),
      open: 0,
    };
    // Asking starts it. What becomes of it is told by its states.
    client.ready().catch(() => undefined);
    return current;
  }

  private follow(current: Current, state: ModelClientState): void {
    if (this.disposed) return;
    const { choice, path, device } = current;
    const { bundledPath, log } = this.options;
    if (state.kind === 'error') {
      log.error(state.reason);
      if (device.provider !== 'cpu') {
        this.leave(current, state.reason);
        return;
      }
      if (path !== bundledPath) {
        this.warning = `The model of parafill.modelPath cannot be used; the bundled model is used instead. ${state.reason}`;
        this.replaceBy({ ...choice, modelPath: '' });
        return;
      }
    }
    if (state.kind === 'ready') {
      const { name, version, provider, threads, loadMs, warmupMs } = state.info;
      log.info(
        `${name} ${version} from ${path} is ready on ${provider}, ${threads} threads: ` +
          `loaded in ${loadMs.toFixed(0)} ms, warmed up in ${warmupMs.toFixed(0)} ms.`,
      );
    }
    this.state = state;
    this.notify();
    if (state.kind === 'ready' && device.provider === 'cpu' && current.search === undefined) {
      current.search = new AbortController();
      void this.improve(current, current.search.signal);
    }
  }

  /** Moves to another device, if one is better, while requests are answered where the model is now. */
  private async improve(current: Current, signal: AbortSignal): Promise<void> {
    const { choice, path } = current;
    const { devices, log } = this.options;
    const isOver = (): boolean => signal.aborted;
    const { device, complaint } = await devices.choose(path, choice.provider, choice.threads, signal);
    if (isOver()) return;
    if (complaint !== undefined) {
      log.warn(complaint);
      this.warning = complaint;
      this.notify();
    }
    if (device.provider === 'cpu') return;
    const next = this.start(choice, device, current.search);
    signal.addEventListener('abort', () => {
      next.client.dispose();
    });
    const failure = await failureOf(next.client);
    if (isOver()) this.retire(next);
    else if (failure !== undefined) {
      this.retire(next);
      await this.giveUp(next, failure);
    } else {
      this.current = next;
      this.retire(current);
      this.follow(next, next.client.state);
    }
  }

  /** Goes back to the CPU from a device that failed. */
  private leave(current: Current, reason: string): void {
    void this.giveUp(current, reason);
    this.stop();
    this.state = { kind: 'loading' };
    // Nothing else is tried before the next start: what was measured is not to be trusted here.
    this.current = this.start(current.choice, CPU, new AbortController());
    this.notify();
  }

  private async giveUp({ path, device }: Current, reason: string): Promise<void> {
    this.warning = `${deviceName(device)} failed, so the CPU is used. ${reason}`;
    this.options.log.warn(this.warning);
    this.notify();
    await this.options.devices.blame(path, device, reason);
  }

  /** Lets go of a process that is replaced, once what it still works on is done. */
  private retire(current: Current): void {
    current.listening.dispose();
    if (current.open === 0) current.client.dispose();
  }

  private stop(): void {
    this.current?.search?.abort();
    this.current?.listening.dispose();
    this.current?.client.dispose();
    this.current = undefined;
  }

  private notify(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

type Arrival =
  | { readonly kind: 'current'; readonly current: Current }
  | Extract<InfillOutcome, { kind: 'cancelled' | 'failed' }>;

interface Current {
  readonly client: ModelClient;
  readonly path: string;
  readonly choice: ModelChoice;
  readonly device: Device;
  readonly listening: Disposable;
  /** The search for a better device, which is over or goes on; none was begun without. */
  search: AbortController | undefined;
  /** Requests that are not answered yet. */
  open: number;
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
