import assert from 'node:assert/strict';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { generationMs } from '../../../bench/engine/llamaCpp';
import { productGraph } from '../../../bench/engine/productGraph';
import { limitMs, shapeOf, weightsOf, workOf } from '../../../bench/engine/roofline';
import { manifestJson } from '../runtime/manifestFixture';

/** Small enough to count by hand: 2 query heads share 1 head of keys and values. */
const shape = { layers: 2, dim: 4, heads: 2, kvHeads: 1, headDim: 3, ffn: 5, vocabSize: 10 };

describe('the roofline', () => {
  it('counts weights: query and output, key and value, gate and up and down, and the embedding', () => {
    const layer = 4 * 6 + 6 * 4 + 2 * (4 * 3) + 3 * (4 * 5);
    assert.equal(weightsOf(shape), 2 * layer + 40);
  });

  it('counts what a pass computes and reads', () => {
    const { int8Operations, floatOperations, bytes } = workOf(shape, { tokens: 3, wanted: 2, context: 7 });
    const layer = (weightsOf(shape) - 40) / 2;
    assert.equal(int8Operations, 2 * (3 * 2 * layer + 2 * 40));
    // Each of 3 tokens meets 10 in each of 2 heads of 3 numbers, twice, in 2 layers.
    assert.equal(floatOperations, 2 * 2 * (3 * 10 * 2 * 3) * 2);
    assert.equal(bytes, weightsOf(shape) + 2 * 2 * (7 * 3) * 4);
  });

  it('is limited by the slower of computing and reading', () => {
    const rates = { int8PerMs: 10, floatPerMs: 5, bytesPerMs: 4 };
    const work = { int8Operations: 100, floatOperations: 10, bytes: 40 };
    assert.equal(limitMs(work, rates), 12);
    assert.equal(limitMs({ ...work, bytes: 400 }, rates), 100);
  });

  it('reads the shape from the manifest and names what is missing there', () => {
    const json = manifestJson();
    assert.throws(() => shapeOf(json), /at "model\.ffn", found nothing/);
    Object.assign(json['model'] as object, { ffn: 192 });
    assert.equal(shapeOf(json).ffn, 192);
  });
});

describe('productGraph', () => {
  it('multiplies int8 matrices, the zero point of the left being 128', async () => {
    const values = Int8Array.of(1, -2, 3, 4, -5, 6);
    const matrix = { type: 'int8', rows: 3, columns: 2, values: new Uint8Array(values.buffer) } as const;
    const session = await InferenceSession.create(productGraph(matrix, 2));
    const input = new Tensor('uint8', Uint8Array.of(129, 130, 127, 0, 0, 0), [2, 3]);
    const { output } = await session.run({ input });
    assert.deepEqual(output?.data, Int32Array.of(1 + 6 + 5, -2 + 8 - 6));
    await session.release();
  });

  it('multiplies float matrices', async () => {
    const values = Float32Array.of(1, 2, 3, 4);
    const matrix = { type: 'float32', rows: 2, columns: 2, values: new Uint8Array(values.buffer) } as const;
    const session = await InferenceSession.create(productGraph(matrix, 1));
    const { output } = await session.run({ input: new Tensor('float32', Float32Array.of(10, 1), [1, 2]) });
    assert.deepEqual(output?.data, Float32Array.of(13, 24));
    await session.release();
  });
});

describe('generationMs', () => {
  const test = { n_prompt: 0, n_gen: 64, n_depth: 512, avg_ns: 250_000_000, stddev_ns: 0 };

  it('finds the test of the asked size', () => {
    assert.equal(generationMs([{ ...test, n_gen: 0, n_prompt: 512 }, test], 64, 512), 250);
  });

  it('says what came where there is none', () => {
    assert.throws(() => generationMs([test], 64, 1024), /n_depth 1024 .* found \[\{"n_prompt":0/);
    assert.throws(() => generationMs({}, 64, 1024), /found \{\}/);
  });
});
