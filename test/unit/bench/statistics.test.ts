import assert from 'node:assert/strict';
import fc from 'fast-check';
import { inTurns } from '../../../bench/inTurns';
import { quantile, shareOf, summaryOf } from '../../../bench/statistics';

describe('statistics', () => {
  it('interpolates quantiles between neighbours', () => {
    assert.equal(quantile([3, 1, 2], 0.5), 2);
    assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
    assert.equal(quantile([10, 20], 0.25), 12.5);
    assert.equal(quantile([7], 0.99), 7);
    assert.throws(() => quantile([], 0.5), /at least one value/);
  });

  it('finds quantiles between the smallest and the largest value, in order of their shares', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const found = [0, 0.25, 0.5, 0.75, 1].map((share) => quantile(values, share));
        assert.deepEqual(found, [...found].sort((a, b) => a - b)); // prettier-ignore
        assert.deepEqual([found[0], found[4]], [Math.min(...values), Math.max(...values)]);
      }),
    );
  });

  it('takes the distance of the quartiles for the spread', () => {
    assert.deepEqual(summaryOf([1, 2, 3, 4, 100]), { median: 3, spread: 2 });
  });

  it('knows no share of nothing', () => {
    assert.equal(
      shareOf([1, 2, 3, 4], (value) => value > 1),
      0.75,
    );
    assert.equal(
      shareOf([], () => true),
      null,
    );
  });
});

describe('inTurns', () => {
  it('runs everything once unmeasured, then in turn, forwards and backwards', async () => {
    const order: string[] = [];
    const times = new Map([['a', [100, 1, 2, 3]], ['b', [200, 7, 6, 5]]]); // prettier-ignore
    const of = await inTurns(
      ['a', 'b'],
      (thing) => {
        order.push(thing);
        return Promise.resolve(times.get(thing)!.shift()!);
      },
      3,
    );
    assert.equal(order.join(''), 'abbaabba');
    assert.deepEqual([of('a').median, of('b').median], [2, 6]);
  });
});
