import { readFileSync } from 'node:fs';
import { CPU, type Device } from '../../server/src/base/device';
import type { KvCache, Logits, StopPoll, TokenBlock } from '../../server/src/diffusion/model';
import type { FileChunk } from '../../server/src/inference/messages';
import { type ModelFolder, openModelFolder } from '../../server/src/runtime/modelFolder';
import { OnnxModel } from '../../server/src/runtime/onnxModel';

/** The shipped model, or another export that is to be held to the same. Tests run from the repository's root. */
export const modelPath = process.env['PARAFILL_TEST_MODEL'] ?? 'models/parafill-small';

export const neverStop: StopPoll = () => Promise.resolve(false);

/** What Python wrote when it exported the model. */
export interface Goldens {
  /** The model of the processor they were computed on. */
  readonly processor: string;
  readonly tokenizer: readonly { readonly text: string; readonly ids: readonly number[] }[];
  readonly logits: readonly {
    readonly context: readonly number[];
    readonly ids: readonly (readonly number[])[];
    readonly positions: readonly (readonly number[])[];
    readonly order: readonly (readonly number[])[];
    readonly wanted: readonly number[];
    readonly argmax: readonly number[];
    /** The likeliest ids of each wanted token with their natural-log probabilities. */
    readonly logProbs: readonly (readonly (readonly [id: number, logProb: number])[])[];
  }[];
  readonly fills: readonly {
    readonly request: {
      readonly language: string;
      readonly segments: readonly string[];
      readonly mode: 'diffusion' | 'ar';
      readonly maxTokens: number;
      readonly steps: number;
      readonly threshold: number;
      readonly candidates: number;
      readonly temperature: number;
      readonly topP: number;
      readonly seed: number;
      /** Absent in goldens of models that were exported before there were any. */
      readonly chunks?: readonly FileChunk[];
    };
    readonly contextIds: readonly number[];
    readonly candidates: readonly { readonly fills: readonly string[]; readonly score: number }[];
    readonly steps: number;
  }[];
}

export function readGoldens(): Goldens {
  return JSON.parse(readFileSync(`${modelPath}/goldens.json`, 'utf8')) as Goldens;
}

export interface Loaded {
  readonly folder: ModelFolder;
  readonly model: OnnxModel;
}

export async function loadShippedModel(device: Device = CPU): Promise<Loaded> {
  const folder = await openModelFolder(modelPath);
  return { folder, model: await OnnxModel.load(folder, device, 2) };
}

/** A block out of rows of equal length. */
export function blockOf(
  ids: readonly (readonly number[])[],
  positions: readonly (readonly number[])[],
  order: readonly (readonly number[])[],
  wanted: readonly number[],
): TokenBlock {
  return {
    rows: ids.length,
    columns: ids[0]!.length,
    ids: Int32Array.from(ids.flat()),
    positions: Int32Array.from(positions.flat()),
    order: Int32Array.from(order.flat()),
    wanted: Int32Array.from(wanted),
  };
}

/** The context, read in one go or chunk by chunk; nothing of it is taken from what the model knows. */
export async function encodeFresh(
  model: OnnxModel,
  ids: readonly number[],
  chunks: readonly number[] = [ids.length],
): Promise<KvCache> {
  // An encoding of one token that no context begins with leaves nothing to be reused.
  const { cache } = (await model.encode(Int32Array.of(ids[0]!), neverStop))!;
  model.truncate(cache, 0);
  for (let chunk = 0; cache.length < ids.length; chunk++) {
    const part = ids.slice(cache.length, cache.length + chunks[chunk % chunks.length]!);
    const start = cache.length;
    const positions = part.map((_, i) => start + i);
    await model.extend(cache, blockOf([part], [positions], [part.map((_, i) => i)], [0]));
  }
  return cache;
}

/** Natural-log probabilities of all ids, row by row, in a place of their own. @throws where a row does not sum to 1. */
export function logProbabilities(logits: Logits, vocabSize: number): Float64Array {
  for (let start = 0; start < logits.length; start += vocabSize) {
    const sum = logits
      .subarray(start, start + vocabSize)
      .reduce((total, value) => total + Math.exp(value), 0);
    if (!(Math.abs(sum - 1) < 1e-4)) throw new Error(`Expected probabilities to sum to 1, not to ${sum}`);
  }
  return Float64Array.from(logits);
}

export function largestDifference(a: Float64Array, b: Float64Array): number {
  let largest = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
