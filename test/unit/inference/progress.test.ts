import assert from 'node:assert/strict';
import { limitReports } from '../../../server/src/inference/progress';

describe('limitReports', () => {
  it('reports ten times a second, and does not compute what it leaves out', () => {
    let time = 0;
    let computed = 0;
    const seen: number[] = [];
    const report = limitReports<number>(
      (state) => seen.push(state),
      () => time,
    );
    for (; time < 1000; time += 30) {
      report(() => {
        computed += 1;
        return time;
      });
    }
    assert.deepEqual(seen, [0, 120, 240, 360, 480, 600, 720, 840, 960]);
    assert.equal(computed, seen.length);
  });
});
