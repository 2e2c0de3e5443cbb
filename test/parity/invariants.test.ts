import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { KvCache } from '../../server/src/diffusion/model';
import {
  blockOf,
  encodeFresh,
  type Loaded,
  loadShippedModel,
  logProbabilities,
  neverStop,
} from './shippedModel';

/**
 * How far two readings of the same thing may lie apart: mean Kullback-Leibler divergence in nats. Whatever
 * is computed in blocks of another shape sums in another order, and a float that differs in its last bit can
 * fall on the other side of an int8 rounding edge: one level of 127 in one activation. Seen: below 1e-5 with
 * trained weights, 3e-4 with random ones, whose distributions are flat. Reading something else (see the
 * controls) moves the distribution by 4e-2 and more.
 */
const tolerance = 1e-3;

const source = `
import { readFile } from 'node:fs/promises';

export async function loadConfig(path: string): Promise<Config> {
  const text = await readFile(path, 'utf8');
  const config = JSON.parse(text) as Config;
  for (const [key, value] of Object.entries(config)) {
    if (value === undefined) throw new Error(\`missing \${key}\`);
  }
  return config;
}
`.repeat(3);

describe('invariants of the shipped graph', function () {
  let loaded: Loaded;
  let text: number[];

  before(async () => {
    loaded = await loadShippedModel();
    text = [6, 4, 3, ...loaded.folder.tokenizer.encode(source), 16];
    assert.ok(text.length > 250, `${text.length} tokens`);
  });

  after(() => loaded.model.release());

  const probe = (at: number, holes: readonly number[]): ReturnType<typeof blockOf> => {
    const { fill, mask, holeStride } = loaded.model.layout;
    const row = holes.flatMap((length, hole) => [fill[hole]!, ...new Array<number>(length).fill(mask)]);
    const positions = holes.flatMap((length, hole) =>
      Array.from({ length: length + 1 }, (_, j) => at + holeStride * hole + j),
    );
    const wanted = row.map((_, i) => i).filter((i) => row[i] === mask);
    return blockOf([row], [positions], [row.map(() => 0)], wanted);
  };

  async function read(
    context: KvCache,
    at = context.length,
    holes: readonly number[] = [12, 4],
  ): Promise<Float64Array> {
    return logProbabilities(
      await loaded.model.denoise(context, probe(at, holes)),
      loaded.model.layout.vocabSize,
    );
  }

  const divergence = (a: Float64Array, b: Float64Array): number => {
    assert.equal(a.length, b.length);
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += Math.exp(a[i]!) * (a[i]! - b[i]!);
    return (sum * loaded.model.layout.vocabSize) / a.length;
  };

  const assertSame = (a: Float64Array, b: Float64Array): void => {
    const found = divergence(a, b);
    assert.ok(found < tolerance, `the readings are ${found} nats apart`);
  };

  it('chunks: a context read in any chunks is the context read whole', async () => {
    const whole = await read(await encodeFresh(loaded.model, text));
    const chunks = fc.array(fc.integer({ min: 1, max: 130 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(chunks, async (sizes) => {
        assertSame(await read(await encodeFresh(loaded.model, text, sizes)), whole);
      }),
      { numRuns: 8, examples: [[[1]]] },
    );
  });

  it('cache: a context in the cache is the context in the same pass', async () => {
    const { model } = loaded;
    const cached = await read(await encodeFresh(model, text));
    const empty = await encodeFresh(model, text);
    model.truncate(empty, 0);
    const canvas = probe(text.length, [12, 4]);
    const ids = [...text, ...canvas.ids];
    const positions = [...text.keys(), ...canvas.positions];
    const order = ids.map((_, i) => Math.min(i, text.length));
    const wanted = [...canvas.wanted].map((i) => i + text.length);
    const together = await model.denoise(empty, blockOf([ids], [positions], [order], wanted));
    assertSame(logProbabilities(together, model.layout.vocabSize), cached);
  });

  it('reuse: after any edits the cache gives what reading anew gives', async () => {
    const edit = fc.record({
      keep: fc.double({ min: 0, max: 1, noNaN: true }),
      add: fc.array(fc.integer({ min: 32, max: 8191 }), { maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 5 }), async (edits) => {
        let ids = text;
        for (const { keep, add } of edits) {
          ids = [...ids.slice(0, 1 + Math.floor(keep * (ids.length - 1))), ...add].slice(0, 512);
          const { cache, reused } = (await loaded.model.encode(Int32Array.from(ids), neverStop))!;
          assert.ok(reused <= ids.length);
          assertSame(await read(cache), await read(await encodeFresh(loaded.model, ids)));
        }
      }),
      { numRuns: 6 },
    );
  });

  it('batch: a row alone is the row among others, longer ones included', async () => {
    const { model } = loaded;
    const { vocabSize, fill, mask, pad, eoh } = model.layout;
    const context = await encodeFresh(model, text);
    const at = context.length;
    const rows = [[fill[0]!, mask, mask, eoh], [fill[0]!, mask, 60, mask, 61, mask, mask, mask], [fill[0]!, 70, mask]]; // prettier-ignore
    const width = Math.max(...rows.map((row) => row.length));
    const padded = rows.map((row) => [...row, ...new Array<number>(width - row.length).fill(pad)]);
    const positions = padded.map((row) => row.map((_, i) => at + i));
    const order = rows.map((row) => padded[0]!.map((_, i) => Number(i >= row.length)));
    const wanted = rows.flatMap((row, r) => row.map((_, i) => r * width + i));
    const together = logProbabilities(
      await model.denoise(context, blockOf(padded, positions, order, wanted)),
      vocabSize,
    );
    let start = 0;
    for (const row of rows) {
      const block = blockOf([row], [row.map((_, i) => at + i)], [row.map(() => 0)], [...row.keys()]);
      const alone = logProbabilities(await model.denoise(context, block), vocabSize);
      assertSame(together.subarray(start, start + alone.length), alone);
      start += alone.length;
    }
  });

  it('one reading: tokens read one by one are the tokens read in one causal block', async () => {
    const { model } = loaded;
    const { vocabSize, fill } = model.layout;
    const context = await encodeFresh(model, text);
    const at = context.length;
    const ids = [fill[0]!, 100, 200, 300, 400];
    const order = ids.map((_, i) => i);
    const block = blockOf([ids], [order.map((i) => at + i)], [order], order);
    const together = logProbabilities(await model.denoise(context, block), vocabSize);
    for (const [i, id] of ids.entries()) {
      const logits = await model.extend(context, blockOf([[id]], [[at + i]], [[0]], [0]));
      assertSame(logProbabilities(logits, vocabSize), together.subarray(i * vocabSize, (i + 1) * vocabSize));
    }
    model.truncate(context, at);
    assertSame(await read(context), await read(await encodeFresh(model, text)));
  });

  it('leftovers: what was forgotten is not seen', async () => {
    const { model } = loaded;
    const expected = await read(await encodeFresh(model, text.slice(0, 100)));
    const context = await encodeFresh(model, text);
    model.truncate(context, 100);
    assertSame(await read(context), expected);
  });

  it('controls: other tokens, other positions or less context are another reading', async () => {
    const { model } = loaded;
    const context = await encodeFresh(model, text);
    const same = await read(context);
    const others = [
      await read(context, text.length + 16),
      await read(
        await encodeFresh(
          model,
          text.map((id, i) => (i > text.length - 20 ? 500 + (i % 7) : id)),
        ),
      ),
      await read(await encodeFresh(model, text.slice(0, text.length / 2)), text.length),
    ];
    for (const other of others) assert.ok(divergence(other, same) > 10 * tolerance);
  });

  it('refuses blocks that the graph would misread', async () => {
    const { model } = loaded;
    const context = await encodeFresh(model, text.slice(0, 5));
    const bad: [block: ReturnType<typeof blockOf>, message: RegExp][] = [
      [blockOf([[8192]], [[0]], [[0]], [0]), /Expected token ids below 8192/],
      [blockOf([[40]], [[100_000]], [[0]], [0]), /Expected positions below/],
      [blockOf([[40]], [[5]], [[0]], []), /at least one wanted token/],
      [blockOf([[40]], [[5]], [[0]], [1]), /at least one wanted token, all below 1/],
      [blockOf([[40, 41]], [[5]], [[0]], [0]), /Expected 1×2 > 0 ids, positions and orders/],
    ];
    for (const [block, message] of bad) await assert.rejects(model.denoise(context, block), message);
    await assert.rejects(
      model.encode(new Int32Array(600), neverStop),
      /Expected 1 to 512 tokens of context, got 600/,
    );
  });
});
