import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** More threads than this gain a net of this size nothing, and take the person's other work its cores. */
const mostThreads = 4;

/**
 * Threads for matrix products: one a physical core, since two hyper-threads share the vector units that do
 * all the work, and no more than this process may use.
 */
export function chooseThreads(): number {
  const available = availableParallelism();
  const physical = physicalCores() ?? Math.max(1, Math.round(available / 2));
  return Math.max(1, Math.min(mostThreads, physical, available));
}

/** Counted from Linux' own table; undefined on other systems, or where the table does not say. */
function physicalCores(): number | undefined {
  if (process.platform === 'darwin' && process.arch === 'arm64') return availableParallelism();
  if (process.platform !== 'linux') return undefined;
  try {
    return countCores(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    // No /proc, as in some sandboxes: the caller estimates.
    return undefined;
  }
}

/** The number of different (socket, core) pairs in the text of /proc/cpuinfo. */
export function countCores(cpuinfo: string): number | undefined {
  const cores = new Set<string>();
  for (const processor of cpuinfo.split(/\n\s*\n/)) {
    const socket = /^physical id\s*:\s*(\d+)/m.exec(processor)?.[1];
    const core = /^core id\s*:\s*(\d+)/m.exec(processor)?.[1];
    if (socket !== undefined && core !== undefined) cores.add(`${socket}/${core}`);
  }
  return cores.size === 0 ? undefined : cores.size;
}
