import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { env } from 'onnxruntime-node';
import { rounded } from './statistics';

/** Where figures were measured: absolute ones hold for this machine only. */
export interface Machine {
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly cores: number;
  readonly memoryGb: number;
  readonly platform: string;
  readonly node: string;
  readonly onnxruntime: string;
  /** Processes that wanted to run in the last minute when the measuring began: above 0 it was not quiet. */
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: rounded(totalmem() / 2 ** 30, 1),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    onnxruntime: env.versions.node ?? env.versions.common,
    loadAverage: rounded(loadavg()[0] ?? 0),
  };
}
