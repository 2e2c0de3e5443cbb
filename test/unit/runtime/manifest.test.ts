import assert from 'node:assert/strict';
import { parseManifest } from '../../../server/src/runtime/manifest';
import { manifestJson } from './manifestFixture';

/** The fixture with one value, named by a dotted path, replaced or (undefined) left out. */
function changed(path: string, value: unknown): unknown {
  const json = manifestJson();
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let target = json;
  for (const key of keys) target = target[key] as Record<string, unknown>;
  target[last] = value;
  return JSON.parse(JSON.stringify(json));
}

describe('parseManifest', () => {
  it('reads what the engine needs', () => {
    const manifest = parseManifest(manifestJson());
    assert.equal(manifest.name, 'test-model');
    assert.equal(manifest.contextLength, 512);
    assert.equal(manifest.contextTokens.language.get('python'), 7);
    assert.deepEqual(manifest.layout.canvasSizes, [16, 32, 64, 128]);
    assert.equal(manifest.files.get('model.onnx')?.bytes, 4);
  });

  const one = new Array(3).fill([0.1, 0.2, 0.3]);
  const certain = new Array(3).fill([1, 1, 1]);
  const faults: [path: string, value: unknown, message: RegExp][] = [
    ['format', 1, /expected 2 \(another format needs another version of Parafill\) at "format", found 1/],
    ['name', '', /expected a non-empty string at "name", found ""/],
    ['model', undefined, /expected an object at "model", found nothing/],
    ['model.layers', '6', /expected a whole number from 1 to 1000 at "model.layers", found "6"/],
    ['model.contextLength', 512.5, /expected a whole number .* at "model.contextLength", found 512.5/],
    ['model.maxPosition', 700, /expected at least 1762, .* at "model.maxPosition", found 700/],
    ['model.holeStride', 100, /expected a whole number from 130 .* at "model.holeStride", found 100/],
    ['tokens.mask', 32, /expected a whole number from 0 to 31 at "tokens.mask", found 32/],
    ['tokens.fill', [24, 25], /expected 8 ids, one a hole at "tokens.fill", found \[24,25\]/],
    ['tokens.language', { python: 7 }, /expected ids by language with one for "other" at "tokens.language"/],
    ['canvasSizes', [], /expected a non-empty list at "canvasSizes", found \[\]/],
    ['canvasSizes', [32, 16], /expected ascending sizes at "canvasSizes"/],
    ['decoding.threshold', null, /expected a number from 0 to 2 at "decoding.threshold", found null/],
    ['recall', { orders: [2, 1], weights: [] }, /expected ascending numbers of tokens at "recall.orders"/],
    ['recall', { orders: [1], weights: [[one]] }, /expected a list of 4 at "recall.weights"/],
    [
      'recall',
      { orders: [1], weights: [[[0.1]], [one], [one], [one]] },
      /expected a list of 3 at "recall.weights\[0\]\[0\]"/,
    ],
    [
      'recall',
      { orders: [1, 2], weights: [[one], [one], [one], [one]] },
      /expected a list of 2 at "recall.weights\[0\]"/,
    ],
    [
      'recall',
      { orders: [1], weights: [[certain], [one], [one], [one]] },
      /expected a number from 0 to 0.999 at "recall.weights/,
    ],
    [
      'recall',
      { orders: [1], weights: [[one], [one], [one], [one]], ngrams: [[0.1]] },
      /expected a list of 3 at "recall.ngrams\[0\]"/,
    ],
    ['files', {}, /expected an object at "files.model.onnx", found nothing/],
  ];
  for (const [path, value, message] of faults) {
    it(`says what is wrong with ${path}: ${value === undefined ? 'left out' : JSON.stringify(value)}`, () => {
      assert.throws(() => parseManifest(changed(path, value)), message);
    });
  }

  it('refuses what is no object', () => {
    for (const value of [null, [], 'text', 3])
      assert.throws(() => parseManifest(value), /expected an object at the top/);
  });
});
