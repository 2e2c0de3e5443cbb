import { InferenceSession, Tensor } from 'onnxruntime-node';
import { errorMessage } from '../base/async';
import type { Device, Provider } from '../base/device';
import type { Manifest } from './manifest';
import { ModelError } from './modelError';

/** float32 tensors by the name the graph gives them. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/** What a graph declares about one input or output; a dimension that may vary has a name or is absent. */
interface Declared {
  readonly type: string;
  readonly shape: readonly (number | undefined)[];
}

/**
 * The graph in the runtime. This file and its neighbours are the only ones that know onnxruntime; `run`
 * blocks the thread, which is why all of it lives in a process of its own.
 */
export class Session {
  private constructor(private readonly inner: InferenceSession) {}

  /**
   * @param path of the graph's file. The runtime reads it itself: given its content, it would hold that twice.
   * @throws {ModelError} when the graph cannot be loaded or is not the one the manifest describes.
   */
  static async create(
    path: string,
    manifest: Manifest,
    { provider }: Device,
    threads: number,
  ): Promise<Session> {
    const inner = await load(path, sessionOptions(provider, threads));
    const problem =
      firstMismatch('input', expectedInputs(manifest), inner.inputMetadata) ??
      firstMismatch('output', expectedOutputs(manifest), inner.outputMetadata);
    if (problem !== undefined) {
      await inner.release();
      throw new ModelError(path, `${problem}. The graph and manifest.json do not belong together.`);
    }
    return new Session(inner);
  }

  /**
   * The graph that moves keys and values, with its outputs left on the device.
   *
   * @throws {ModelError} when it cannot be loaded.
   */
  static async createMover(path: string, provider: Provider, layers: number): Promise<Session> {
    const names = Array.from({ length: layers }, (_, i) => [`next_key_${i}`, `next_value_${i}`]).flat();
    const inner = await load(path, {
      ...sessionOptions(provider, 1),
      preferredOutputLocation: Object.fromEntries(names.map((name) => [name, 'gpu-buffer'])),
    });
    return new Session(inner);
  }

  /** Whether each row may have a past of its own; graphs of earlier exports take one past for all rows only. */
  get takesRows(): boolean {
    const past = this.inner.inputMetadata.find(({ name }) => name === 'past_length');
    return past?.isTensor === true && typeof past.shape[0] !== 'number';
  }

  /**
   * @param outputs the wanted outputs by name, each with where it is to be written or null; what only others need is
   *   not computed.
   */
  async run(inputs: NamedTensors, outputs: Readonly<Record<string, Tensor | null>>): Promise<NamedTensors> {
    return this.inner.run(inputs, outputs);
  }

  async release(): Promise<void> {
    await this.inner.release();
  }
}

function sessionOptions(provider: Provider, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // An arena would keep the largest pass' memory for good, and large aligned arenas crash Electron.
    enableCpuMemArena: false,
    // A memory pattern is kept per shape of input, and shapes differ at every keystroke.
    enableMemPattern: false,
    // That some nodes of the graph run on the CPU all the same is no news.
    ...(provider === 'cpu' ? {} : { logSeverityLevel: 3 }),
    // Whoever waits for work sleeps soon: to wake a thread for every operation takes longer than most of them do, but
    // one that spins for milliseconds burns the processor time of the person's other work.
    extra: { session: { intra_op: { allow_spinning: '1', spin_duration_us: '20' } } },
  };
}

async function load(path: string, options: InferenceSession.SessionOptions): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(path, options);
  } catch (error) {
    throw new ModelError(path, `onnxruntime cannot load the graph: ${errorMessage(error)}`, { cause: error });
  }
}

/** int64 as the graph wants it; everything before this boundary is Int32Array. */
export function int64Tensor(values: Int32Array, shape: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), shape);
}

export function int32Tensor(values: Int32Array, shape: readonly number[]): Tensor {
  return new Tensor('int32', values, shape);
}

export function float32Tensor(values: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor('float32', values, shape);
}

/** The content of a float32 tensor. */
export function float32Data(tensor: Tensor | undefined, name: string): Float32Array {
  const data = tensor?.data;
  if (!(data instanceof Float32Array)) {
    throw new Error(`Expected float32 values as output "${name}", found ${tensor?.type ?? 'nothing'}`);
  }
  return data;
}

function expectedInputs(manifest: Manifest): Map<string, Declared> {
  const block = [undefined, undefined];
  return new Map([
    ['ids', { type: 'int64', shape: block }],
    ['positions', { type: 'int64', shape: block }],
    ['order', { type: 'int32', shape: block }],
    ['past_length', { type: 'int64', shape: [1] }],
    ['wanted', { type: 'int64', shape: [undefined] }],
    ...perLayer('past_', 1, manifest),
  ]);
}

function expectedOutputs(manifest: Manifest): Map<string, Declared> {
  return new Map([
    ['logits', { type: 'float32', shape: [undefined, manifest.layout.vocabSize] }],
    ...perLayer('', undefined, manifest),
  ]);
}

function perLayer(prefix: string, batch: number | undefined, manifest: Manifest): [string, Declared][] {
  const declared = { type: 'float32', shape: [batch, manifest.kvHeads, undefined, manifest.headDim] };
  return Array.from({ length: manifest.layers }, (_, layer) => layer).flatMap((layer) => [
    [`${prefix}key_${layer}`, declared],
    [`${prefix}value_${layer}`, declared],
  ]);
}

/** What is wrong with the graph's inputs or outputs, if anything. */
function firstMismatch(
  kind: 'input' | 'output',
  expected: ReadonlyMap<string, Declared>,
  found: readonly InferenceSession.ValueMetadata[],
): string | undefined {
  const byName = new Map(found.map((value) => [value.name, value]));
  for (const [name, { type, shape }] of expected) {
    const value = byName.get(name);
    const wanted = `${type} [${shape.map((size) => size ?? '?').join(', ')}]`;
    if (value === undefined) return `expected an ${kind} "${name}" (${wanted}), but the graph has none`;
    if (!value.isTensor) return `expected ${wanted} as ${kind} "${name}", found something that is no tensor`;
    const fits =
      value.type === type &&
      value.shape.length === shape.length &&
      shape.every(
        (size, i) => size === undefined || typeof value.shape[i] !== 'number' || value.shape[i] === size,
      );
    if (!fits)
      return `expected ${wanted} as ${kind} "${name}", found ${value.type} [${value.shape.join(', ')}]`;
  }
  for (const name of byName.keys()) {
    if (kind === 'input' && !expected.has(name))
      return `the graph wants an input "${name}" that is not known`;
  }
  return undefined;
}
