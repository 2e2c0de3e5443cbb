import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../base/async';
import { Tokenizer } from '../tokenizer/tokenizer';
import { type Manifest, parseManifest } from './manifest';
import { ModelError } from './modelError';

/** A model folder whose files are what its manifest says. */
export interface ModelFolder {
  readonly path: string;
  readonly manifest: Manifest;
  readonly tokenizer: Tokenizer;
  /** The content of model.onnx. */
  readonly graph: Uint8Array;
}

/** Reads and checks a model folder. @throws {ModelError} naming the file that is wrong. */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  await checkIsFolder(path);
  const manifestPath = join(path, 'manifest.json');
  const manifest = parsing(manifestPath, await readText(manifestPath), parseManifest);
  const tokenizerPath = join(path, 'tokenizer.json');
  const tokenizerBytes = await readChecked(path, 'tokenizer.json', manifest);
  const { firstText, vocabSize } = manifest.layout;
  const tokenizer = parsing(
    tokenizerPath,
    new TextDecoder().decode(tokenizerBytes),
    (definition) => new Tokenizer(definition, firstText, vocabSize),
  );
  return { path, manifest, tokenizer, graph: await readChecked(path, 'model.onnx', manifest) };
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

/** Reads a file the manifest vouches for. */
async function readChecked(folder: string, name: string, manifest: Manifest): Promise<Uint8Array> {
  const path = join(folder, name);
  const record = manifest.files.get(name)!;
  const content = await readBytes(path);
  const repair = 'The file is damaged or belongs to another model: copy or export the model again.';
  if (content.length !== record.bytes) {
    throw new ModelError(
      path,
      `expected ${record.bytes} bytes, as manifest.json says, but found ${content.length}. ${repair}`,
    );
  }
  const sha256 = createHash('sha256').update(content).digest('hex');
  if (sha256 !== record.sha256) {
    throw new ModelError(
      path,
      `expected SHA-256 ${record.sha256}, as manifest.json says, but found ${sha256}. ${repair}`,
    );
  }
  return content;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const problem = isMissing
      ? 'the file is missing from the model folder'
      : `cannot be read: ${errorMessage(error)}`;
    throw new ModelError(path, `${problem}. Copy or export the model again.`, { cause: error });
  }
}

async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path));
}

/** Parses JSON text with `parse` and names the file in whatever goes wrong. */
function parsing<T>(path: string, text: string, parse: (value: unknown) => T): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelError(path, `expected JSON, but ${errorMessage(error)}`, { cause: error });
  }
  try {
    return parse(value);
  } catch (error) {
    throw new ModelError(path, errorMessage(error), { cause: error });
  }
}
