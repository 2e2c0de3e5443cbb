import assert from 'node:assert/strict';
import { rowRandom } from '../../../server/src/diffusion/rng';

describe('rowRandom', () => {
  // Computed with arbitrary-precision integers, so that no language's int32 arithmetic is believed.
  const known: [seed: number, row: number, values: number[]][] = [
    [0, 0, [1144304738, 1416247, 958946056]],
    [7, 0, [50271532, 266108690]],
    [7, 1, [3035905339, 1591220858]],
    [4294967295, 3, [1507725592, 2974419284]],
  ];
  for (const [seed, row, values] of known) {
    it(`draws the known numbers for seed ${seed}, row ${row}`, () => {
      const random = rowRandom(seed, row);
      assert.deepEqual(
        values.map(() => random() * 2 ** 32),
        values,
      );
    });
  }
});
