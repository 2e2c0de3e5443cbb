import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { errorMessage } from '../base/async';
import { CPU, type Device, deviceName, type Provider } from '../base/device';
import { probeDevice } from './deviceProbe';
import { describeMachine } from './machine';
import { type Subject, type Verdict, Verdicts } from './verdicts';

/** The provider that is wanted; `auto` is whatever is fastest. */
export type Wanted = Provider | 'auto';

export interface Choice {
  readonly device: Device;
  /** Why it is not the provider that was asked for by its name: a sentence. */
  readonly complaint?: string;
}

export interface DeviceChooserOptions {
  /** The built worker script. */
  readonly workerPath: string;
  /** Where verdicts are kept. */
  readonly cacheFolder: string;
  /** A device that has not answered after so many milliseconds hangs. */
  readonly limitMs?: number;
  /** How long to wait before something is tried out that nobody asked for by name. */
  readonly delayMs?: number;
  /** Gets one line at a time. */
  readonly log: (line: string) => void;
}

const usualLimitMs = 60_000;
/** A device is worth its memory and its driver's risks if a step takes it no more than this part of the CPU's time. */
const worthwhile = 0.8;

/** The providers that the runtime may have on this system, besides the CPU. */
const candidates: Partial<Record<NodeJS.Platform, readonly Provider[]>> = {
  linux: ['cuda', 'webgpu'],
  win32: ['dml', 'webgpu'],
  darwin: ['coreml', 'webgpu'],
};

/**
 * Decides what a model runs on. No provider is trusted before it was seen to say what the CPU says, and none is
 * chosen without being asked for by name that was not measured to be faster.
 */
export class DeviceChooser {
  private readonly verdicts: Verdicts;

  constructor(private readonly options: DeviceChooserOptions) {
    this.verdicts = new Verdicts(options.cacheFolder, options.log);
  }

  /** @param threads of the CPU, which it is compared with; 0: chosen for the machine. */
  async choose(modelPath: string, wanted: Wanted, threads: number, signal: AbortSignal): Promise<Choice> {
    if (wanted === 'cpu') return { device: CPU };
    const found: Extract<Verdict, { kind: 'works' }>[] = [];
    let reason = '';
    for (const provider of wanted === 'auto' ? (candidates[process.platform] ?? []) : [wanted]) {
      const verdict = await this.judge(modelPath, provider, threads, wanted !== 'auto', signal);
      if (verdict?.kind === 'works') found.push(verdict);
      else if (verdict?.kind === 'failed') reason = verdict.reason;
    }
    const [fastest] = found.sort((a, b) => ratio(a) - ratio(b));
    if (wanted !== 'auto') {
      if (fastest !== undefined) return { device: fastest.device };
      const complaint = `The provider ${wanted} cannot be used, so the CPU is. ${sentence(reason)}`;
      return { device: CPU, ...(signal.aborted ? {} : { complaint }) };
    }
    return { device: fastest !== undefined && ratio(fastest) <= worthwhile ? fastest.device : CPU };
  }

  /** Notes that a device failed although it was trusted, so that it is not used again. */
  async blame(modelPath: string, { provider }: Device, reason: string): Promise<void> {
    try {
      await this.verdicts.write(await subjectOf(modelPath, provider), { kind: 'failed', reason });
    } catch (error) {
      this.options.log(`The verdict on ${provider} could not be kept: ${errorMessage(error)}`);
    }
  }

  private async judge(
    modelPath: string,
    provider: Provider,
    threads: number,
    isAskedFor: boolean,
    signal: AbortSignal,
  ): Promise<Verdict | undefined> {
    let subject: Subject;
    try {
      subject = await subjectOf(modelPath, provider);
    } catch (error) {
      return { kind: 'failed', reason: errorMessage(error) };
    }
    const known = await this.verdicts.read(subject);
    // Who asks for it by name may have repaired what was wrong.
    if (known !== undefined && !(isAskedFor && known.kind === 'failed')) {
      this.options.log(`${inWords(provider, known)} (known from before)`);
      return known;
    }
    if (!isAskedFor) await pause(this.options.delayMs ?? 0, signal);
    const verdict = await this.tryOut(modelPath, provider, threads, signal);
    if (verdict === undefined) return undefined;
    this.options.log(inWords(provider, verdict));
    await this.verdicts.write(subject, verdict);
    return verdict;
  }

  /** In float16 first, which is faster where it works; undefined when aborted. */
  private async tryOut(
    modelPath: string,
    provider: Provider,
    threads: number,
    signal: AbortSignal,
  ): Promise<Verdict | undefined> {
    const { workerPath, log, limitMs = usualLimitMs } = this.options;
    let verdict: Verdict | undefined;
    for (const precision of ['float16', 'float32'] as const) {
      const device: Device = { provider, precision };
      const finding = await probeDevice(
        { workerPath, modelPath, limitMs, log, ...(threads === 0 ? {} : { threads }) },
        device,
        signal,
      );
      if (finding === undefined) return undefined;
      if (finding.kind === 'works') return { ...finding, device };
      log(`${deviceName(device)} does not work: ${finding.reason}`);
      verdict = finding;
    }
    return verdict;
  }
}

function ratio({ speed }: Extract<Verdict, { kind: 'works' }>): number {
  return speed.deviceMs / speed.cpuMs;
}

function inWords(provider: Provider, verdict: Verdict): string {
  if (verdict.kind === 'failed') return `The provider ${provider} cannot be used: ${verdict.reason}`;
  const { device, difference, speed } = verdict;
  return (
    `The provider ${deviceName(device)} works (log-probabilities at most ${difference.toPrecision(1)} off): ` +
    `${speed.tokens} tokens after ${speed.context} take it ${speed.deviceMs.toFixed(1)} ms a step, ` +
    `the CPU ${speed.cpuMs.toFixed(1)} ms.`
  );
}

/** The beginning of what a library said, as a sentence: the rest is in the log. */
function sentence(reason: string): string {
  const [line = ''] = reason.split('\n');
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

async function subjectOf(modelPath: string, provider: Provider): Promise<Subject> {
  const manifest = await readFile(join(modelPath, 'manifest.json'));
  return {
    provider,
    model: createHash('sha256').update(manifest).digest('hex'),
    runtime: runtimeVersion(),
    machine: describeMachine(),
  };
}

/** Waits, but not longer than until the signal comes. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal, ref: false });
  } catch {
    // Aborted, which whoever comes next sees as well.
  }
}

/** Read from its package, for loading the runtime would bring its native code into this process. */
function runtimeVersion(): string {
  const path = require.resolve('onnxruntime-node/package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
