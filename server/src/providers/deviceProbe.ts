import { constants, setPriority } from 'node:os';
import { deferred } from '../base/async';
import type { Device } from '../base/device';
import { forkWorker } from '../inference/forkWorker';
import type { FromWorker, ProbeFinding } from '../inference/messages';

export interface ProbeOptions {
  /** The built worker script. */
  readonly workerPath: string;
  /** The model folder. */
  readonly modelPath: string;
  readonly threads?: number;
  /** A device that has not answered after so many milliseconds hangs. */
  readonly limitMs: number;
  readonly log: (line: string) => void;
}

/**
 * Tries a device out in a process of its own, because drivers crash and hang. Resolves always; to undefined when
 * aborted.
 */
export async function probeDevice(
  options: ProbeOptions,
  device: Device,
  signal: AbortSignal,
): Promise<ProbeFinding | undefined> {
  if (signal.aborted) return undefined;
  const { workerPath, modelPath, threads, limitMs, log } = options;
  const found = deferred<ProbeFinding | undefined>();
  const failed = (reason: string): void => {
    found.resolve({ kind: 'failed', reason });
  };
  let lastWords = '';
  const child = forkWorker(
    workerPath,
    { modelPath, device, isProbe: true, ...(threads === undefined ? {} : { threads }) },
    (line) => {
      lastWords = line.trim();
      log(`[probe] ${line}`);
    },
  );
  child.on('message', (message: FromWorker) => {
    if (message.type === 'probed') found.resolve(message.finding);
  });
  child.on('error', (error) => {
    failed(`cannot start a process to try it out: ${error.message}`);
  });
  // Not on exit: what it said last may still be on its way then.
  child.on('close', (code, endedBy) => {
    const cause = endedBy === null ? `exit code ${code ?? 'unknown'}` : `signal ${endedBy}`;
    failed(`it ended the process that tried it out (${cause})${lastWords === '' ? '' : `: ${lastWords}`}`);
  });
  const limit = setTimeout(() => {
    failed(`it did not answer within ${limitMs / 1000} s`);
  }, limitMs);
  const onAbort = (): void => {
    // At once: this process may be about to end.
    child.kill('SIGKILL');
    found.resolve(undefined);
  };
  signal.addEventListener('abort', onAbort);
  if (child.pid !== undefined) giveWay(child.pid);
  const finding = await found.promise;
  clearTimeout(limit);
  signal.removeEventListener('abort', onAbort);
  child.kill('SIGKILL');
  return finding;
}

/** The person's work comes first, and the CPU answers meanwhile. */
function giveWay(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not every system lets itself be asked, or the process is gone already.
  }
}
