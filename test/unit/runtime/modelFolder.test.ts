import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelError } from '../../../server/src/runtime/modelError';
import { openModelFolder } from '../../../server/src/runtime/modelFolder';
import { manifestJson } from './manifestFixture';

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

describe('openModelFolder', () => {
  let folder: string;
  const tokenizerJson = readFileSync('models/parafill-small/tokenizer.json');
  const graph = Buffer.from('not a real graph');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parafill-model-'));
    writeFileSync(join(folder, 'tokenizer.json'), tokenizerJson);
    writeFileSync(join(folder, 'model.onnx'), graph);
    const files = {
      'model.onnx': { bytes: graph.length, sha256: sha256(graph) },
      'tokenizer.json': { bytes: tokenizerJson.length, sha256: sha256(tokenizerJson) },
    };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifestJson(), files }));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('reads a folder whose files are what the manifest says', async () => {
    const opened = await openModelFolder(folder);
    assert.equal(opened.manifest.name, 'test-model');
    assert.equal(opened.graphPath, join(folder, 'model.onnx'));
  });

  const faults: [name: string, damage: () => void, file: string, message: RegExp][] = [
    ['a missing manifest', () => rmSync(join(folder, 'manifest.json')), 'manifest.json', /the file is missing/],
    ['a missing graph', () => rmSync(join(folder, 'model.onnx')), 'model.onnx', /the file is missing/],
    ['a missing tokenizer', () => rmSync(join(folder, 'tokenizer.json')), 'tokenizer.json', /the file is missing/],
    ['a truncated graph', () => writeFileSync(join(folder, 'model.onnx'), graph.subarray(0, 5)), 'model.onnx', /expected 16 bytes, .* found 5\. .* export the model again/],
    ['a changed graph', () => writeFileSync(join(folder, 'model.onnx'), graph.toString().toUpperCase()), 'model.onnx', /expected SHA-256 [0-9a-f]{64}, .* found [0-9a-f]{64}/],
    ['a manifest that is no JSON', () => writeFileSync(join(folder, 'manifest.json'), '{"format": 1,'), 'manifest.json', /expected JSON, but/],
    ['a manifest of another kind', () => writeFileSync(join(folder, 'manifest.json'), '[]'), 'manifest.json', /expected an object at the top, found \[\]/],
  ]; // prettier-ignore
  for (const [name, damage, file, message] of faults) {
    it(`names the file and the fault: ${name}`, async () => {
      damage();
      await assert.rejects(openModelFolder(folder), (error) => {
        assert.ok(error instanceof ModelError);
        assert.equal(error.path, join(folder, file));
        assert.ok(error.message.startsWith(`${error.path}: `));
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('says when there is no folder, or a file in its place', async () => {
    await assert.rejects(
      openModelFolder(join(folder, 'nowhere')),
      /expected a model folder, but there is nothing/,
    );
    await assert.rejects(openModelFolder(join(folder, 'model.onnx')), /but this is a file/);
  });
});
