/**
 * The inference process. It loads the model named on its command line, says so, and then answers requests
 * until its parent goes away. It is a process of its own because the runtime blocks the thread it runs on,
 * and because a crash in native code must not take the language server along.
 */
import { errorMessage } from '../base/async';
import { CPU } from '../base/device';
import type { FromWorker, ToWorker, WorkerOptions } from './messages';
import { noNativeRuntime } from './nativeRuntime';
import { RequestQueue } from './requestQueue';

/** Resolves once the message is handed over, so that a process may end right after. */
function send(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    // A parent that went away meanwhile is no error here: `disconnect` ends this process.
    else process.send(message, () => resolve());
  });
}

/** Whoever started this waits for one message; the process may also end without it, which says enough. */
async function tryOut(options: WorkerOptions): Promise<void> {
  const { probe } = await import('./probe');
  await send({ type: 'probed', finding: await probe(options, options.device ?? CPU) });
}

async function main(): Promise<void> {
  process.on('disconnect', () => process.exit(0));
  const options = JSON.parse(process.argv[2] ?? '') as WorkerOptions;
  if (options.isProbe === true) {
    await tryOut(options);
    process.exit(0);
  }
  let loadEngine;
  try {
    // Loaded late, so that a platform without a native runtime gets a message and not a crash at start.
    ({ loadEngine } = await import('./loadEngine'));
  } catch (error) {
    await send({ type: 'unusable', reason: noNativeRuntime(errorMessage(error)) });
    process.exit(1);
  }
  let loaded;
  try {
    loaded = await loadEngine(options);
  } catch (error) {
    await send({ type: 'unusable', reason: errorMessage(error) });
    process.exit(1);
  }
  const { engine, info } = loaded;
  /** What a device did that was trusted; the CPU is the last resort and goes on. */
  let failure: string | undefined;
  const queue = new RequestQueue(
    ({ id, request, progress }, cancellation) =>
      engine
        .fill(
          request,
          cancellation,
          progress ? (state) => void send({ type: 'progress', id, progress: state }) : undefined,
        )
        .catch((error: unknown) => {
          if (options.device !== undefined && options.device.provider !== 'cpu')
            failure = errorMessage(error);
          throw error;
        }),
    (id, outcome) => {
      if (failure === undefined) void send({ type: 'outcome', id, outcome });
      else void send({ type: 'unusable', reason: failure });
    },
  );
  process.on('message', (message: ToWorker) => {
    if (message.type === 'infill') queue.add(message);
    else queue.cancel(message.id);
  });
  await send({ type: 'ready', info });
}

void main();
