import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Sampler } from '../../../server/src/diffusion/sampler';
import { normalised } from './hashModel';

const vocabSize = 12;
const firstText = 4;
// Logits differ by nothing or by so much that their probabilities differ too.
const rows = fc
  .array(fc.integer({ min: -600, max: 600 }), { minLength: vocabSize, maxLength: vocabSize })
  .map((values) =>
    normalised(
      Float32Array.from(values, (value) => value / 100),
      vocabSize,
    ),
  );
const flat = (): Float32Array => normalised(new Float32Array(vocabSize), vocabSize);
/** What float32 leaves of a probability. */
const digits = 1e-5;
const unreachable = (): number => assert.fail('temperature 0 draws nothing');

/** The probabilities at a temperature of the ids that may be chosen, the others 0. */
function probabilities(logits: Float32Array, temperature: number): number[] {
  const weights = Array.from(logits, (logit, id) => (id < firstText ? 0 : Math.exp(logit / temperature)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

describe('Sampler', () => {
  it('takes the likeliest text token at temperature 0, with its probability', () => {
    fc.assert(
      fc.property(rows, (logits) => {
        const expected = probabilities(logits, 1);
        const { token, confidence } = new Sampler(0, 0.95, vocabSize, firstText).choose(
          logits,
          0,
          unreachable,
        );
        assert.equal(token, logits.indexOf(Math.max(...logits.subarray(firstText)), firstText));
        assert.ok(Math.abs(confidence - expected[token]!) < digits);
      }),
    );
  });

  it('takes the lowest id of equally likely ones', () => {
    const sampler = new Sampler(0, 0.95, vocabSize, firstText);
    assert.equal(sampler.choose(flat(), 0, unreachable).token, firstText);
  });

  it('reads the row it is asked for', () => {
    const logits = new Float32Array(3 * vocabSize);
    logits[vocabSize + 7] = 5;
    assert.equal(new Sampler(0, 0.95, vocabSize, firstText).choose(logits, 1, unreachable).token, 7);
  });

  it('lets one marker compete where that is allowed', () => {
    const logits = new Float32Array(vocabSize);
    logits[2] = 5;
    assert.equal(new Sampler(0, 0.95, vocabSize, firstText, 2).choose(logits, 0, unreachable).token, 2);
    logits[2] = -5;
    assert.equal(
      new Sampler(0, 0.95, vocabSize, firstText, 2).choose(logits, 0, unreachable).token,
      firstText,
    );
  });

  it('draws by the cumulative share of the nucleus, likeliest first', () => {
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        rows,
        unit,
        fc.constantFrom(0.3, 0.7, 1.5),
        fc.constantFrom(0.1, 0.5, 0.95, 1),
        (logits, u, t, p) => {
          const { token, confidence } = new Sampler(t, p, vocabSize, firstText).choose(logits, 0, () => u);
          const shares = probabilities(logits, t);
          const order = shares.map((_, id) => id).filter((id) => id >= firstText);
          order.sort((a, b) => shares[b]! - shares[a]! || a - b);
          const rank = order.indexOf(token);
          const above = order.slice(0, rank).reduce((sum, id) => sum + shares[id]!, 0);
          assert.ok(rank === 0 || above < p + 1e-9, 'the token is outside the nucleus');
          const upTo = above + shares[token]!;
          assert.ok(u * Math.min(1, p) <= upTo + 1e-6, 'the number drawn lies beyond the token');
          assert.ok(u >= above - 1e-6, 'the number drawn lies before the token');
          assert.ok(Math.abs(confidence - probabilities(logits, 1)[token]!) < digits);
        },
      ),
    );
  });

  it('draws tokens as often as they are likely', () => {
    const logits = Float32Array.from({ length: vocabSize }, (_, id) =>
      Math.log(id === 5 ? 0.7 : id === 9 ? 0.3 : 1e-9),
    );
    const sampler = new Sampler(1, 1, vocabSize, firstText);
    let fives = 0;
    for (let i = 0; i < 1000; i++) fives += Number(sampler.choose(logits, 0, () => i / 1000).token === 5);
    assert.equal(fives, 700);
  });

  it('draws within the nucleus of everything, however close to the end', () => {
    fc.assert(
      fc.property(rows, fc.constantFrom(0.3, 1, 1.5), (logits, temperature) => {
        const choose = new Sampler(temperature, 1, vocabSize, firstText).chooserOf(logits, 0);
        for (const u of [0, 0.5, 1 - 2 ** -32]) {
          const { token } = choose(() => u);
          assert.ok(token >= firstText && token < vocabSize);
        }
      }),
    );
  });

  it('makes of one row as many choices as are asked for', () => {
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(rows, fc.array(unit), (logits, numbers) => {
        const sampler = new Sampler(0.8, 0.95, vocabSize, firstText);
        const choose = sampler.chooserOf(logits, 0);
        const together = numbers.map((u) => choose(() => u));
        assert.deepEqual(together, numbers.map((u) => sampler.choose(logits, 0, () => u))); // prettier-ignore
      }),
    );
  });
});
