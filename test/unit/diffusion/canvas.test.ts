import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Canvas, chunkRows, toBlock } from '../../../server/src/diffusion/canvas';
import { tinyLayout as layout } from './hashModel';

const { mask, eoh, pad } = layout;

describe('Canvas', () => {
  it('lays out its holes one behind the other, each at positions of its own', () => {
    const canvas = new Canvas(layout, 100, [
      { length: 2, end: true },
      { length: 0, end: true },
      { length: 1, end: false },
    ]);
    assert.deepEqual([...canvas.ids], [10, mask, mask, eoh, 11, eoh, 12, mask]);
    assert.deepEqual([...canvas.positions], [100, 101, 102, 103, 120, 121, 140, 141]);
    assert.deepEqual(canvas.maskedColumns(), [1, 2, 7]);
    assert.deepEqual(canvas.predictingColumns(), [0, 1, 2, 4, 6]);
    assert.equal(canvas.complete, false);
  });

  it('never changes a token that was given or decided', () => {
    const holes = fc.array(
      fc.record({
        length: fc.integer({ min: 1, max: 8 }),
        locked: fc.dictionary(fc.nat(7).map(String), fc.integer({ min: 20, max: 39 })),
      }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(holes, (given) => {
        const locks = given.map(
          ({ length, locked }) =>
            new Map(
              Object.entries(locked)
                .map(([j, id]) => [Number(j), id] as const)
                .filter(([j]) => j < length),
            ),
        );
        const canvas = new Canvas(
          layout,
          9,
          given.map(({ length }, i) => ({ length, end: true, locked: locks[i]! })),
        );
        for (const column of canvas.maskedColumns()) canvas.write(column, 33);
        for (const [i, fill] of canvas.fills().entries()) {
          for (const [j, id] of fill.entries()) assert.equal(id, locks[i]!.get(j) ?? 33);
        }
        for (let column = 0; column < canvas.columns; column++) {
          assert.throws(() => canvas.write(column, 34), /must not become 34/);
        }
      }),
    );
  });

  it('refuses more than the model can read', () => {
    const hole = { length: 1, end: true };
    assert.throws(() => new Canvas(layout, 0, [hole, hole, hole, hole]), /at most 3 holes/);
    assert.throws(
      () => new Canvas(layout, 0, [{ length: 17, end: true }]),
      /Expected 0 to 16 tokens in hole 0, got 17/,
    );
  });
});

describe('toBlock', () => {
  const short = new Canvas(layout, 4, [{ length: 0, end: true }]);
  const long = new Canvas(layout, 4, [{ length: 2, end: true }]);
  const rows = [
    { canvas: short, wanted: [0] },
    { canvas: long, wanted: [1, 2] },
  ];

  it('pads rows so that no token sees the padding', () => {
    const block = toBlock(rows, 'both', pad);
    assert.deepEqual([...block.ids], [10, eoh, pad, pad, 10, mask, mask, eoh]);
    assert.deepEqual([...block.order], [0, 0, 1, 1, 0, 0, 0, 0]);
    assert.deepEqual([...block.wanted], [0, 5, 6]);
  });

  it('orders a causal reading from left to right', () => {
    assert.deepEqual([...toBlock(rows, 'causal', pad).order], [0, 1, 2, 3, 0, 1, 2, 3]);
  });
});

describe('chunkRows', () => {
  it('keeps all rows in order and every chunk within the limit, padding included', () => {
    const lengths = fc.array(fc.nat(16), { maxLength: 20 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 60 }), (given, limit) => {
        const rows = given.map((length) => ({
          canvas: new Canvas(layout, 0, [{ length, end: true }]),
          wanted: [],
        }));
        const chunks = chunkRows(rows, limit);
        assert.deepEqual(chunks.flat(), rows);
        for (const chunk of chunks) {
          const columns = Math.max(...chunk.map(({ canvas }) => canvas.columns));
          assert.ok(chunk.length === 1 || columns * chunk.length <= limit);
        }
      }),
    );
  });
});
