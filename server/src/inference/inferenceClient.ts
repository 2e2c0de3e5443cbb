import type { ChildProcess } from 'node:child_process';
import { deferred, type Deferred } from '../base/async';
import type { CancellationToken } from '../base/cancellation';
import { type Device, deviceName } from '../base/device';
import { type Disposable, toDisposable } from '../base/lifecycle';
import type { Infiller } from '../completion/infiller';
import { forkWorker } from './forkWorker';
import type {
  FromWorker,
  InfillOutcome,
  InfillProgress,
  InfillRequest,
  ModelInfo,
  ToWorker,
  WorkerOptions,
} from './messages';

export interface InferenceClientOptions {
  /** The built worker script. */
  readonly workerPath: string;
  /** The model folder. */
  readonly modelPath: string;
  /** Threads of the inference process; absent: chosen for the machine. */
  readonly threads?: number;
  /** Absent: the CPU. Another device is given up on at its first failure, for the CPU does as well. */
  readonly device?: Device;
  /** After how many milliseconds of silence a device that is not the CPU counts as hanging. */
  readonly patienceMs?: number;
  /** How long to wait before the first restart after a crash; each further one waits four times as long. */
  readonly firstRestartDelayMs?: number;
  /** Gets one line at a time; never any of the person's text. */
  readonly log: (line: string) => void;
}

export type InferenceState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly info: ModelInfo }
  | { readonly kind: 'error'; readonly reason: string }
  | { readonly kind: 'restarting'; readonly reason: string; readonly delayMs: number };

/** So many ends of the process in a row, with no answer in between, are not bad luck any more. */
const mostCrashes = 5;
const usualFirstDelayMs = 100;
const longestDelayMs = 10_000;

/**
 * A CPU gets as long as it needs. A driver may hang, which shows in that nothing comes for so many milliseconds while
 * the model is loaded, or while a request is worked on.
 */
const patienceMs = 60_000;

/** The process, once it is ready, or why there is none and will be none. */
type Arrival = { readonly child: ChildProcess } | { readonly reason: string };

interface Pending {
  readonly resolve: (outcome: InfillOutcome) => void;
  readonly listener: Disposable;
  readonly onProgress: ((progress: InfillProgress) => void) | undefined;
}

/**
 * Runs the inference process: starts it, restarts it when it dies, and turns what becomes of a request
 * (an answer, a cancellation, the death of the process in the middle of it) into its outcome.
 */
export class InferenceClient implements Infiller, Disposable {
  private child: ChildProcess | undefined;
  private current: InferenceState = { kind: 'loading' };
  private arrival: Deferred<Arrival> = deferred();
  private readonly listeners = new Set<(state: InferenceState) => void>();
  private readonly pending = new Map<number, Pending>();
  private nextId = 1;
  private crashes = 0;
  private restartTimer: NodeJS.Timeout | undefined;
  private silenceTimer: NodeJS.Timeout | undefined;
  private started = false;
  private disposed = false;

  constructor(private readonly options: InferenceClientOptions) {}

  get state(): InferenceState {
    return this.current;
  }

  /** The process' id while there is one. */
  get processId(): number | undefined {
    return this.child?.pid;
  }

  onStateChange(listener: (state: InferenceState) => void): Disposable {
    const entry = (state: InferenceState): void => {
      listener(state);
    };
    this.listeners.add(entry);
    return toDisposable(() => this.listeners.delete(entry));
  }

  /** Starts the process; the first request does so, too. */
  start(): void {
    if (this.started || this.disposed) return;
    this.started = true;
    this.spawn();
  }

  /** Resolves when the model is loaded and warm. @throws when it cannot be used, saying why. */
  async ready(): Promise<ModelInfo> {
    this.start();
    const arrival = await this.arrival.promise;
    if ('reason' in arrival) throw new Error(arrival.reason);
    if (this.current.kind !== 'ready') return this.ready();
    return this.current.info;
  }

  /**
   * Sends the request as soon as there is a process that is ready. Requests are answered in order: a
   * caller that has a newer wish cancels the older one.
   */
  async infill(
    request: InfillRequest,
    cancellation: CancellationToken,
    onProgress?: (progress: InfillProgress) => void,
  ): Promise<InfillOutcome> {
    if (cancellation.isCancellationRequested) return { kind: 'cancelled' };
    this.start();
    const arrival = await unlessCancelled(this.arrival.promise, cancellation);
    if (arrival === undefined) return { kind: 'cancelled' };
    if ('reason' in arrival) return { kind: 'failed', reason: arrival.reason };
    const { child } = arrival;
    // The process may have died between its arrival and this turn.
    if (child !== this.child) return this.infill(request, cancellation, onProgress);
    return this.exchange(child, request, cancellation, onProgress);
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.stop('the inference process was shut down');
    this.arrival.resolve({ reason: 'the inference process was shut down' });
    this.listeners.clear();
  }

  private exchange(
    child: ChildProcess,
    request: InfillRequest,
    cancellation: CancellationToken,
    onProgress?: (progress: InfillProgress) => void,
  ): Promise<InfillOutcome> {
    const id = this.nextId++;
    const answer = deferred<InfillOutcome>();
    const listener = cancellation.onCancellationRequested(() => post(child, { type: 'cancel', id }));
    this.pending.set(id, { resolve: answer.resolve, listener, onProgress });
    post(child, { type: 'infill', id, request, progress: onProgress !== undefined });
    // Who goes on asking must not put off the end of a device that hangs.
    if (this.pending.size === 1) this.watch(true);
    return answer.promise;
  }

  private spawn(): void {
    const { workerPath, modelPath, threads, device } = this.options;
    const workerOptions: WorkerOptions = {
      modelPath,
      ...(threads === undefined ? {} : { threads }),
      ...(device === undefined ? {} : { device }),
    };
    this.setState({ kind: 'loading' });
    let lastWords = '';
    const child = forkWorker(workerPath, workerOptions, (line) => {
      lastWords = line.trim();
      this.options.log(`[inference] ${line}`);
    });
    this.child = child;
    this.watch(true);
    child.on('message', (message: FromWorker) => {
      if (child === this.child) this.receive(child, message);
    });
    child.on('error', (error) => {
      if (child === this.child && child.pid === undefined)
        this.giveUp(`cannot start the inference process: ${error.message}`);
    });
    child.on('exit', (code, signal) => {
      if (child === this.child) this.onExit(code, signal, lastWords);
    });
  }

  /** Starts to count the silence of a device that may hang, where something is expected of it. */
  private watch(isBusy: boolean): void {
    clearTimeout(this.silenceTimer);
    const { device } = this.options;
    if (!isBusy || device === undefined || device.provider === 'cpu') return;
    const ms = this.options.patienceMs ?? patienceMs;
    this.silenceTimer = setTimeout(() => {
      this.giveUp(`${deviceName(device)} did not answer for ${ms / 1000} s`);
    }, ms);
  }

  private receive(child: ChildProcess, message: FromWorker): void {
    this.watch(this.pending.size > (message.type === 'outcome' ? 1 : 0));
    switch (message.type) {
      case 'ready':
        this.setState({ kind: 'ready', info: message.info });
        this.arrival.resolve({ child });
        break;
      case 'unusable':
        this.giveUp(message.reason);
        break;
      case 'progress':
        this.pending.get(message.id)?.onProgress?.(message.progress);
        break;
      case 'outcome':
        this.crashes = 0;
        this.settle(message.id, message.outcome);
        break;
      case 'probed':
        break;
    }
  }

  /** The process died although nobody asked it to. */
  private onExit(code: number | null, signal: NodeJS.Signals | null, lastWords: string): void {
    const wasReady = this.current.kind === 'ready';
    const cause = signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
    const detail = lastWords === '' ? '' : `: ${lastWords}`;
    const reason = `the inference process ended unexpectedly (${cause})${detail}`;
    this.child = undefined;
    this.crashes += 1;
    this.options.log(`${reason}, ${this.pending.size} requests were open`);
    if (wasReady) this.arrival = deferred();
    this.failPending(reason);
    const { device } = this.options;
    if (device !== undefined && device.provider !== 'cpu') {
      this.giveUp(`on ${deviceName(device)}, ${reason}`);
      return;
    }
    if (this.crashes >= mostCrashes) {
      this.giveUp(`${reason}; that was the ${this.crashes}th time in a row, so it is not started again`);
      return;
    }
    const firstDelayMs = this.options.firstRestartDelayMs ?? usualFirstDelayMs;
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 4 ** (this.crashes - 1));
    this.setState({ kind: 'restarting', reason, delayMs });
    this.restartTimer = setTimeout(() => this.spawn(), delayMs);
  }

  /** Ends the process, if any, and lets whoever waits for it know why there will be none. */
  private giveUp(reason: string): void {
    this.stop(reason);
    this.setState({ kind: 'error', reason });
    this.arrival.resolve({ reason });
  }

  private stop(reason: string): void {
    clearTimeout(this.restartTimer);
    clearTimeout(this.silenceTimer);
    const child = this.child;
    this.child = undefined;
    // It holds nothing but memory, so there is nothing to wait for, not even a pass that is under way.
    child?.kill('SIGKILL');
    if (this.current.kind === 'ready') this.arrival = deferred();
    this.failPending(reason);
  }

  private failPending(reason: string): void {
    for (const id of [...this.pending.keys()]) this.settle(id, { kind: 'failed', reason });
  }

  private settle(id: number, outcome: InfillOutcome): void {
    const pending = this.pending.get(id);
    if (pending === undefined) return;
    this.pending.delete(id);
    pending.listener.dispose();
    pending.resolve(outcome);
  }

  private setState(state: InferenceState): void {
    this.current = state;
    for (const listener of [...this.listeners]) listener(state);
  }
}

/** Sends, where the process is still there; if it is not, its exit settles the request. */
function post(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => undefined);
}

/** The promise's value, or undefined as soon as the token is cancelled. */
async function unlessCancelled<T>(
  promise: Promise<T>,
  cancellation: CancellationToken,
): Promise<T | undefined> {
  const cancelled = deferred<undefined>();
  const listener = cancellation.onCancellationRequested(() => cancelled.resolve(undefined));
  try {
    return await Promise.race([promise, cancelled.promise]);
  } finally {
    listener.dispose();
  }
}
