import { type ChildProcess, fork } from 'node:child_process';
import type { WorkerOptions } from './messages';

/**
 * For glibc (what has another allocator ignores it); bench/README.md has what each is worth. Sizes in bytes.
 *
 * Else it raises the size from which memory goes back to the system at once to whatever was freed last, until large
 * intermediate results lie scattered over a heap that only grows. Yet what is taken anew for every operation is cleared
 * by the system page by page, which takes longer than computing it, unless pages are large.
 */
export const allocation = {
  MALLOC_MMAP_THRESHOLD_: String(8 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(32 * 2 ** 20),
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
};

/** A process that loads a model. @param onLine gets what it says, line by line, and whatever its libraries say. */
export function forkWorker(
  workerPath: string,
  options: WorkerOptions,
  onLine: (line: string) => void,
): ChildProcess {
  const child = fork(workerPath, [JSON.stringify(options)], {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Flags of the editor's own process, such as a debugger's port, are not for this one.
    execArgv: [],
    env: { ...allocation, ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.trim() !== '') onLine(line);
    });
  }
  return child;
}
