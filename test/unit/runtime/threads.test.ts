import assert from 'node:assert/strict';
import { chooseThreads, countCores } from '../../../server/src/runtime/threads';

const processor = (socket: number, core: number): string =>
  `processor\t: 0\nphysical id\t: ${socket}\ncore id\t\t: ${core}\ncpu cores\t: 2\n`;

describe('threads', () => {
  it('are one a core, however many hyper-threads share it', () => {
    assert.equal(
      countCores([processor(0, 0), processor(0, 1), processor(0, 0), processor(0, 1)].join('\n')),
      2,
    );
    assert.equal(countCores([processor(0, 0), processor(1, 0)].join('\n')), 2);
  });

  it('are estimated where the system does not tell', () => {
    assert.equal(countCores('processor : 0\nBogoMIPS : 108.00\n'), undefined);
  });

  it('are at least one and at most four', () => {
    const threads = chooseThreads();
    assert.ok(Number.isInteger(threads) && threads >= 1 && threads <= 4, String(threads));
  });
});
