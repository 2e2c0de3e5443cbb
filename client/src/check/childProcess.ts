import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

export interface CheckOptions {
  /** Where the command runs. */
  readonly folder: string;
  /** Milliseconds after which the check counts as failed. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Variables for the command, besides our own. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a check ended that did not pass. */
export type CheckFailure =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly name: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'output' };

export type CheckResult =
  /** The command ended with exit code 0. `ms` is how long it ran. */
  | { readonly kind: 'passed'; readonly ms: number; readonly output: string }
  | { readonly kind: 'failed'; readonly because: CheckFailure; readonly ms: number; readonly output: string }
  /** Nothing can be run at all: no candidate can pass. */
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'cancelled' };

/** The end of what was printed is kept, in bytes: failures are summed up at the end. */
const KEPT_OUTPUT = 64 * 1024;

/** Who prints more than this many bytes prints without end. */
export const MOST_OUTPUT = 32 * 1024 * 1024;

/** How long to wait for pipes that a process which left our group may still hold. */
const PIPE_PATIENCE_MS = 500;

/** How long to wait for a process that was killed. */
const DEATH_PATIENCE_MS = 5_000;

/** What a shell says when it finds no such command, or one it cannot execute. */
const NO_SUCH_COMMAND: readonly number[] = process.platform === 'win32' ? [9009] : [126, 127];

/**
 * Runs a person's check command in a shell and waits for its end. Whatever the command does, this ends: at the
 * time limit, at the limit of output and on cancellation the command is killed together with everything it
 * started, and so is what it leaves behind when it ends by itself.
 */
export function runCheck(command: string, options: CheckOptions): Promise<CheckResult> {
  if (options.signal.aborted) return Promise.resolve({ kind: 'cancelled' });
  return new Promise((resolve) => {
    const run = new Run(command, options, resolve);
    run.watch();
  });
}

/**
 * What a shell said that did not find the command, or could not execute it; undefined where the check ended otherwise. It
 * may have been a command that the checked code itself calls.
 */
export function missingCommand(result: CheckResult): string | undefined {
  if (result.kind !== 'failed' || result.because.kind !== 'exit') return undefined;
  const { code } = result.because;
  if (!NO_SUCH_COMMAND.includes(code)) return undefined;
  const reason = result.output.trim().split('\n').at(-1) ?? '';
  return reason === '' ? `exit code ${code}` : reason;
}

type Stop = 'cancelled' | 'timeout' | 'output';

class Run {
  private readonly started = performance.now();
  private readonly child: ChildProcess;
  private readonly output = new OutputTail();
  private readonly timers: NodeJS.Timeout[] = [];
  private stopped: Stop | undefined;
  private ended = false;

  constructor(
    command: string,
    private readonly options: CheckOptions,
    private readonly resolve: (result: CheckResult) => void,
  ) {
    this.child = spawn(command, {
      cwd: options.folder,
      shell: true,
      // A group of its own, so that one signal reaches everything it starts.
      detached: process.platform !== 'win32',
      env: { ...cleanEnvironment(process.env), CI: 'true', ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
  }

  watch(): void {
    const { child, options } = this;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output.add(chunk);
        if (this.output.total > MOST_OUTPUT) this.stop('output');
      });
    }
    this.after(options.timeoutMs, () => {
      this.stop('timeout');
    });
    options.signal.addEventListener('abort', this.onAbort);
    process.on('exit', this.kill);
    child.once('error', (error) => {
      this.finish({ kind: 'unusable', reason: error.message });
    });
    child.once('exit', (code, signal) => {
      this.kill();
      const end = (): void => {
        this.finish(this.result(code, signal));
      };
      child.once('close', end);
      this.after(PIPE_PATIENCE_MS, end);
    });
  }

  private readonly onAbort = (): void => {
    this.stop('cancelled');
  };

  /** Kills the command and its group; what comes of it is told by its exit. */
  private readonly kill = (): void => {
    const { pid } = this.child;
    if (pid === undefined) return;
    if (process.platform === 'win32') {
      spawnSync('taskkill', ['/pid', String(pid), '/t', '/f'], { windowsHide: true });
      return;
    }
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  };

  private stop(why: Stop): void {
    if (this.stopped !== undefined || this.ended) return;
    this.stopped = why;
    this.child.stdout?.removeAllListeners('data').resume();
    this.child.stderr?.removeAllListeners('data').resume();
    this.kill();
    this.after(DEATH_PATIENCE_MS, () => {
      this.finish(this.result(null, 'SIGKILL'));
    });
  }

  private result(code: number | null, signal: NodeJS.Signals | null): CheckResult {
    const measured = { ms: performance.now() - this.started, output: this.output.text() };
    if (this.stopped === 'cancelled') return { kind: 'cancelled' };
    if (this.stopped !== undefined) return { kind: 'failed', because: { kind: this.stopped }, ...measured };
    if (signal !== null) return { kind: 'failed', because: { kind: 'signal', name: signal }, ...measured };
    if (code === 0) return { kind: 'passed', ...measured };
    return { kind: 'failed', because: { kind: 'exit', code: code ?? -1 }, ...measured };
  }

  private finish(result: CheckResult): void {
    if (this.ended) return;
    this.ended = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.options.signal.removeEventListener('abort', this.onAbort);
    process.off('exit', this.kill);
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    this.resolve(result);
  }

  private after(milliseconds: number, act: () => void): void {
    this.timers.push(setTimeout(act, milliseconds));
  }
}

/** The last part of an output of any length. */
class OutputTail {
  /** Bytes printed in all. */
  total = 0;
  private chunks: Buffer[] = [];
  private held = 0;

  add(chunk: Buffer): void {
    this.total += chunk.length;
    this.held += chunk.length;
    this.chunks.push(chunk);
    if (this.held > 2 * KEPT_OUTPUT) this.trim();
  }

  text(): string {
    this.trim();
    const text = Buffer.concat(this.chunks).toString('utf8');
    // The cut may have gone through a character.
    return stripVTControlCharacters(this.total > this.held ? text.replace(/^\ufffd+/, '…') : text);
  }

  private trim(): void {
    const last = Buffer.concat(this.chunks).subarray(-KEPT_OUTPUT);
    this.chunks = [last];
    this.held = last.length;
  }
}

/**
 * The environment of a program that knows nothing of the editor it was started from: the editor's own variables
 * turn Electron into Node and git into the git of another repository.
 */
export function cleanEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(VSCODE|ELECTRON|GIT)_/i.test(name)),
  );
}
