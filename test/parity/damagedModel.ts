import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelPath } from './shippedModel';

/** A copy of the shipped model in a folder of its own, to be damaged. */
export class ModelCopy {
  readonly path = mkdtempSync(join(tmpdir(), 'parafill-model-'));

  constructor() {
    for (const name of [
      'manifest.json',
      'tokenizer.json',
      'ngrams.safetensors',
      'model.onnx',
      'model.f16.onnx',
      'model.f32.onnx',
      'cache.onnx',
    ]) {
      cpSync(join(modelPath, name), join(this.path, name));
    }
  }

  read(name: string): Buffer {
    return readFileSync(join(this.path, name));
  }

  write(name: string, content: Uint8Array | string): void {
    writeFileSync(join(this.path, name), content);
  }

  remove(name: string): void {
    rmSync(join(this.path, name));
  }

  /** Changes the manifest's text; `found` must be in it. */
  editManifest(found: RegExp, replacement: string): void {
    const text = this.read('manifest.json').toString();
    if (!found.test(text)) throw new Error(`The manifest does not contain ${String(found)}`);
    this.write('manifest.json', text.replace(found, replacement));
  }

  /** Replaces a file and lets the manifest vouch for the new content. */
  replace(name: string, content: Uint8Array): void {
    this.write(name, content);
    const manifest = JSON.parse(this.read('manifest.json').toString()) as { files: Record<string, unknown> };
    manifest.files[name] = {
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    };
    this.write('manifest.json', JSON.stringify(manifest));
  }

  dispose(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
