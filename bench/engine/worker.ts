import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { neverCancelled } from '../../server/src/base/cancellation';
import { InferenceClient } from '../../server/src/inference/inferenceClient';
import type { InfillRequest } from '../../server/src/inference/messages';
import { type Summary, summaryOf } from '../statistics';

export interface WorkerOptions {
  readonly workerPath: string;
  readonly modelPath: string;
  readonly threads: number;
}

/** The inference process as a whole. */
export interface WorkerFigures {
  readonly readyMs: Summary;
  /** The most memory it ever held, in MiB; null where the system does not say (it is read from /proc). */
  readonly memoryMb: number | null;
  /** Processor time while nobody asks for anything, per cent of one core; null as above. */
  readonly idleCpuPercent: number | null;
}

/** Linux counts processor time in ticks of this length, whatever its kernel was built with. */
const tickMs = 10;
const idleMs = 2_000;

/** Starts the inference process several times; the last one then works and rests. */
export async function measureWorker(
  options: WorkerOptions,
  rounds: number,
  mostCandidates: number,
): Promise<WorkerFigures> {
  const starts: number[] = [];
  for (let round = 0; ; round++) {
    const client = new InferenceClient({ ...options, log: () => undefined });
    try {
      const started = performance.now();
      await client.ready();
      // The first start also reads the model's files from the disk.
      if (round > 0) starts.push(performance.now() - started);
      if (round < rounds) continue;
      for (const request of hardWork(mostCandidates)) await fill(client, request);
      const { processId } = client;
      return {
        readyMs: summaryOf(starts),
        memoryMb: await peakMemoryMb(processId),
        idleCpuPercent: await idleCpuPercent(processId),
      };
    } finally {
      client.dispose();
    }
  }
}

async function fill(client: InferenceClient, request: InfillRequest): Promise<void> {
  const outcome = await client.infill(request, neverCancelled);
  if (outcome.kind !== 'filled') {
    const reason = outcome.kind === 'failed' ? outcome.reason : outcome.kind;
    throw new Error(`Expected the inference process to fill a hole, but: ${reason}`);
  }
}

/** Full contexts of several documents, one fill of each kind, and as many candidates at once as are measured. */
function hardWork(mostCandidates: number): InfillRequest[] {
  const usual = { language: 'typescript', mode: 'diffusion', maxTokens: 64, seed: 0 } as const;
  const documents = Array.from({ length: 5 }, (_, i) =>
    `export const value${i} = compute(${i}, 2);\n`.repeat(400),
  );
  const [first = ''] = documents;
  const joint = [first, ...documents.slice(1, 4).map((text) => text.slice(0, 200)), first];
  return [
    ...documents.map((text) => ({ ...usual, segments: [text, text], candidates: 1, temperature: 0 })),
    { ...usual, segments: joint, candidates: 1, temperature: 0 },
    { ...usual, segments: [first, first], candidates: mostCandidates, temperature: 0.8 },
    { ...usual, segments: [first, first], mode: 'ar', candidates: 1, temperature: 0 },
  ];
}

async function peakMemoryMb(pid: number | undefined): Promise<number | null> {
  const status = await fromProc(pid, 'status');
  const kilobytes = /^VmHWM:\s*(\d+) kB/m.exec(status ?? '')?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) / 1024;
}

async function idleCpuPercent(pid: number | undefined): Promise<number | null> {
  // What was just answered may still be tidied up.
  await wait(idleMs / 4);
  const before = await processorMs(pid);
  await wait(idleMs);
  const after = await processorMs(pid);
  return before === undefined || after === undefined ? null : ((after - before) / idleMs) * 100;
}

/** Time in user and kernel mode; fields 14 and 15 of /proc/PID/stat, counted from behind the name in brackets. */
async function processorMs(pid: number | undefined): Promise<number | undefined> {
  const stat = await fromProc(pid, 'stat');
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

async function fromProc(pid: number | undefined, name: string): Promise<string | undefined> {
  if (process.platform !== 'linux' || pid === undefined) return undefined;
  return readFile(`/proc/${pid}/${name}`, 'utf8');
}
