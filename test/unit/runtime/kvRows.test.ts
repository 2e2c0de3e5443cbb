import assert from 'node:assert/strict';
import fc from 'fast-check';
import { KvCacheBuffers } from '../../../server/src/runtime/kvCache';
import { KvRowBuffers } from '../../../server/src/runtime/kvRows';
import { HostMemory } from '../../../server/src/runtime/kvStore';

const shape = { layers: 2, kvHeads: 2, headDim: 3 };
const memory = new HostMemory(shape);

/** Keys and values that tell every buffer, head and token apart; `tokens` [rows][columns] name the latter. */
function layersFor(tokens: readonly (readonly number[])[]): Float32Array[] {
  return Array.from({ length: 2 * shape.layers }, (_, buffer) =>
    Float32Array.from(
      tokens.flatMap((row) =>
        Array.from({ length: shape.kvHeads }, (_, head) => row.map((token) => [0, 1, 2].map((i) => 1000 * token + 100 * buffer + 10 * head + i))), // prettier-ignore
      ).flat(3), // prettier-ignore
    ),
  );
}

/** What the graph would see of each row: the tokens its first buffer's values name, checked against the others. */
function content(rows: KvRowBuffers): number[][] {
  const buffers = Object.values(rows.inputs());
  return rows.lengths.map((length, row) => {
    const perBuffer = buffers.map((tensor, buffer) => {
      const [count, heads, capacity, width] = tensor.dims as [number, number, number, number];
      assert.equal(count, rows.rows);
      return Array.from({ length: heads }, (_, head) =>
        Array.from({ length }, (_, at) => {
          const value = (tensor.data as Float32Array)[((row * heads + head) * capacity + at) * width]!;
          return (value - 100 * [0, 1, 2, 3][buffer]! - 10 * head) / 1000;
        }),
      );
    });
    for (const heads of perBuffer) for (const found of heads) assert.deepEqual(found, perBuffer[0]![0]);
    return perBuffer[0]![0]!;
  });
}

function contextOf(tokens: readonly number[]): KvCacheBuffers {
  const context = new KvCacheBuffers(memory);
  context.append(Int32Array.from(tokens), Int32Array.from(tokens.keys()), layersFor([tokens]));
  return context;
}

type Action = { readonly drop: number } | { readonly add: readonly (readonly number[])[] };

describe('KvRowBuffers', () => {
  it('holds for each row the context and what was appended to it, whatever was dropped and grown', () => {
    const token = fc.integer({ min: 1, max: 9 });
    const action: fc.Arbitrary<Action> = fc.oneof(
      fc.record({ drop: fc.nat() }),
      fc.record({
        add: fc.array(fc.array(token, { minLength: 1, maxLength: 70 }), { minLength: 5, maxLength: 5 }),
      }),
    );
    fc.assert(
      fc.property(
        fc.array(token, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(300),
        fc.array(action, { maxLength: 8 }),
        (context, count, room, actions) => {
          const rows = new KvRowBuffers(memory, contextOf(context), count, room);
          const expected = Array.from({ length: count }, () => [...context]);
          for (const step of actions) {
            if ('drop' in step) {
              if (rows.rows === 1) continue;
              const row = step.drop % rows.rows;
              rows.drop(row);
              const last = expected.pop()!;
              if (row < expected.length) expected[row] = last;
            } else {
              const added = step.add.slice(0, rows.rows);
              const columns = Math.max(...added.map((row) => row.length));
              const padded = added.map((row) => [...row, ...new Array<number>(columns - row.length).fill(0)]);
              rows.append(Int32Array.from(added, (row) => row.length), layersFor(padded), columns); // prettier-ignore
              for (const [row, tokens] of added.entries()) expected[row]!.push(...tokens);
            }
            assert.deepEqual(content(rows), expected);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('leaves the context as it was', () => {
    const context = contextOf([1, 2, 3]);
    const rows = new KvRowBuffers(memory, context, 2, 0);
    rows.append(Int32Array.of(1, 1), layersFor([[7], [8]]), 1);
    assert.deepEqual(content(new KvRowBuffers(memory, context, 1, 0)), [[1, 2, 3]]);
  });

  it('can lose its last row', () => {
    const rows = new KvRowBuffers(memory, contextOf([1]), 1, 5);
    rows.drop(0);
    assert.equal(rows.rows, 0);
  });
});
