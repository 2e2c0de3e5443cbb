import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../base/async';
import type { Precision } from '../base/device';
import type { Ngrams } from '../diffusion/ngrams';
import { Tokenizer } from '../tokenizer/tokenizer';
import { type Manifest, ngramsFile, parseManifest } from './manifest';
import { ModelError } from './modelError';
import { parseNgrams } from './ngramsFile';

/** A model folder whose files are what its manifest says. */
export interface ModelFolder {
  readonly path: string;
  readonly manifest: Manifest;
  readonly tokenizer: Tokenizer;
  /** The file of the int8 graph. */
  readonly graphPath: string;
}

const graphFiles: Readonly<Record<Exclude<Precision, 'int8'>, string>> = {
  float16: 'model.f16.onnx',
  float32: 'model.f32.onnx',
};

/** The file of the graph that computes in this way. @throws {ModelError} when it is not there or damaged. */
export async function graphOf(folder: ModelFolder, precision: Precision): Promise<string> {
  return precision === 'int8' ? folder.graphPath : derivedFile(folder, graphFiles[precision]);
}

/** The file of the graph that moves keys and values on a device. @throws {ModelError} as `graphOf` does. */
export function cacheGraphOf(folder: ModelFolder): Promise<string> {
  return derivedFile(folder, 'cache.onnx');
}

/**
 * What usually follows in the training corpus; undefined where the model comes without.
 *
 * @throws {ModelError} when its file is not there or damaged.
 */
export async function ngramsOf({ path, manifest }: ModelFolder): Promise<Ngrams | undefined> {
  const weights = manifest.recall?.ngrams;
  if (weights === undefined) return undefined;
  const file = await checkedFile(path, ngramsFile, manifest);
  const data = await reading(file, readFile(file));
  return naming(file, () => parseNgrams(data, weights.length, manifest.layout.vocabSize));
}

async function derivedFile({ path, manifest }: ModelFolder, name: string): Promise<string> {
  if (manifest.files.has(name)) return checkedFile(path, name, manifest);
  throw new ModelError(
    path,
    `expected the file ${name}, which GPUs need, but manifest.json knows none. ` +
      'Export the model again, or add what is missing with models/scripts/export_gpu_graphs.py.',
  );
}

/** Reads and checks a model folder. @throws {ModelError} naming the file that is wrong. */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  await checkIsFolder(path);
  const manifestPath = join(path, 'manifest.json');
  const manifest = parsing(manifestPath, await readText(manifestPath), parseManifest);
  const tokenizerPath = await checkedFile(path, 'tokenizer.json', manifest);
  const tokenizerText = await readText(tokenizerPath);
  const { firstText, vocabSize } = manifest.layout;
  const tokenizer = parsing(
    tokenizerPath,
    tokenizerText,
    (definition) => new Tokenizer(definition, firstText, vocabSize),
  );
  return { path, manifest, tokenizer, graphPath: await checkedFile(path, 'model.onnx', manifest) };
}

async function checkIsFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new ModelError(
      path,
      'expected a model folder, but there is nothing. Check the setting of the model path.',
    );
  }
  if (!found.isDirectory()) {
    throw new ModelError(path, 'expected a model folder with a manifest.json in it, but this is a file.');
  }
}

/** The path of a file, once it is known to be the one that the manifest describes. */
async function checkedFile(folder: string, name: string, manifest: Manifest): Promise<string> {
  const path = join(folder, name);
  const record = manifest.files.get(name);
  if (record === undefined) {
    throw new ModelError(
      folder,
      `expected the file ${name}, but manifest.json knows none. Export the model again.`,
    );
  }
  const repair = 'The file is damaged or belongs to another model: copy or export the model again.';
  const { size } = await reading(path, stat(path));
  if (size !== record.bytes) {
    throw new ModelError(
      path,
      `expected ${record.bytes} bytes, as manifest.json says, but found ${size}. ${repair}`,
    );
  }
  const sha256 = await reading(path, hashOf(path));
  if (sha256 !== record.sha256) {
    throw new ModelError(
      path,
      `expected SHA-256 ${record.sha256}, as manifest.json says, but found ${sha256}. ${repair}`,
    );
  }
  return path;
}

/** Piece by piece: a graph is large, and whole it would stay in memory until garbage is collected. */
async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** What comes of looking into a file. @throws {ModelError} when that fails. */
async function reading<T>(path: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const problem = isMissing
      ? 'the file is missing from the model folder'
      : `cannot be read: ${errorMessage(error)}`;
    throw new ModelError(path, `${problem}. Copy or export the model again.`, { cause: error });
  }
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await reading(path, readFile(path)));
}

/** Parses JSON text with `parse` and names the file in whatever goes wrong. */
function parsing<T>(path: string, text: string, parse: (value: unknown) => T): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelError(path, `expected JSON, but ${errorMessage(error)}`, { cause: error });
  }
  return naming(path, () => parse(value));
}

/** Names the file in whatever goes wrong. */
function naming<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new ModelError(path, errorMessage(error), { cause: error });
  }
}
