import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DenoisingSchedule, type Proposal } from '../../../server/src/diffusion/schedule';

const proposals = fc
  .array(fc.constantFrom(0.1, 0.3, 0.5, 0.9, 0.95), { minLength: 1, maxLength: 40 })
  .map((confidences) =>
    confidences.map((confidence, column): Proposal => ({ column, token: 30, confidence })),
  );

describe('DenoisingSchedule', () => {
  it('decides all that is sure, and the surest of the rest up to the quota', () => {
    fc.assert(
      fc.property(proposals, fc.integer({ min: 1, max: 8 }), fc.nat(7), (given, passes, pass) => {
        fc.pre(pass < passes);
        const chosen = new DenoisingSchedule(passes, 0.9).select(given, pass);
        const quota = Math.ceil(given.length / (passes - pass));
        const sure = given.filter(({ confidence }) => confidence >= 0.9);
        assert.equal(chosen.length, Math.max(quota, sure.length));
        assert.ok(sure.every((proposal) => chosen.includes(proposal)));
        const least = Math.min(...chosen.map(({ confidence }) => confidence));
        for (const left of given.filter((proposal) => !chosen.includes(proposal))) {
          assert.ok(left.confidence <= least, 'something surer was left');
        }
      }),
    );
  });

  it('takes the lower position of equally sure ones', () => {
    const given = [3, 5, 8, 9].map((column): Proposal => ({ column, token: 30, confidence: 0.5 }));
    const columns = new DenoisingSchedule(2, 0.9).select(given, 0).map(({ column }) => column);
    assert.deepEqual(columns, [3, 5]);
  });

  it('leaves nothing after its passes', () => {
    fc.assert(
      fc.property(proposals, fc.integer({ min: 1, max: 12 }), (given, passes) => {
        const schedule = new DenoisingSchedule(passes, 0.9);
        let left = given;
        for (let pass = 0; pass < passes; pass++) {
          const chosen = schedule.select(left, pass);
          left = left.filter((proposal) => !chosen.includes(proposal));
        }
        assert.deepEqual(left, []);
      }),
    );
  });
});
