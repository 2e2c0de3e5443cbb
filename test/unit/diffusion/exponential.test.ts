import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expNonPositive } from '../../../server/src/diffusion/exponential';

describe('expNonPositive', () => {
  it('is e^x to ten digits, as far as that is more than nothing', () => {
    fc.assert(
      fc.property(fc.double({ min: -50, max: 0, noNaN: true }), (x) => {
        const error = Math.abs(expNonPositive(x) - Math.exp(x));
        assert.ok(error <= (x > -44 ? 1e-10 * Math.exp(x) : 1e-19), `${x} is wrong by ${error}`);
      }),
      { examples: [[0], [-0], [-1 / 64], [-44], [-43.999_999]] },
    );
  });

  it('keeps what is no number, and makes nothing of infinity', () => {
    assert.ok(Number.isNaN(expNonPositive(NaN)));
    assert.equal(expNonPositive(-Infinity), 0);
  });
});
