import assert from 'node:assert/strict';
import fc from 'fast-check';
import { worthShowing } from '../../../server/src/completion/worthShowing';

type Part = readonly [text: string, probability: number];

/** Parts of a text and the probability of each after those before it. */
function shown(...parts: readonly Part[]): string {
  let end = 0;
  let logProbability = 0;
  const beginnings = parts.map(([part, probability]) => {
    end += part.length;
    logProbability += Math.log(probability);
    return { end, logProbability };
  });
  return worthShowing(parts.map(([part]) => part).join(''), beginnings);
}

describe('worthShowing', () => {
  it('shows everything that is likely enough', () => {
    assert.equal(shown(['return', 0.9], [' value', 0.8], [';', 0.99]), 'return value;');
  });

  it('cuts where the whole becomes too unlikely', () => {
    assert.equal(shown(['value', 0.9], ['.', 0.9], ['length', 0.3], [';', 1]), 'value.');
  });

  it('multiplies: many nearly sure tokens are not sure together', () => {
    const parts = (probability: number) =>
      ['value', '.', 'b', '.', 'c'].map((text): Part => [text, probability]);
    assert.equal(shown(...parts(0.8)), 'value');
    assert.equal(shown(...parts(0.95)), 'value.b.c');
    assert.equal(shown(...parts(0.5)), '');
  });

  it('asks the more for certainty, the fewer keys a text saves', () => {
    assert.equal(shown(['ab', 0.79]), '');
    assert.equal(shown(['ab', 0.81]), 'ab');
    assert.equal(shown(['abcdefghi', 0.32]), '');
    assert.equal(shown(['abcdefghi', 0.34]), 'abcdefghi');
    assert.equal(shown(['a'.repeat(999), 0.24]), '');
  });

  it('never shows what one key writes, and counts no indentation', () => {
    assert.equal(shown([';', 1]), '');
    assert.equal(shown(['\n        ', 0.99]), '');
    assert.equal(shown(['\n        }', 0.79]), '');
    assert.equal(shown(['\n        }', 0.81]), '\n        }');
  });

  it('does not stop inside a word', () => {
    assert.equal(shown(['x = ', 0.9], ['get', 0.9], ['Value', 0.1], ['()', 1]), 'x = ');
  });

  it('shows nothing when the first word is unsure', () => {
    assert.equal(shown(['get', 0.9], ['Value', 0.1]), '');
    assert.equal(shown(), '');
  });

  it('always gives a beginning that saves keys, and at least as much where the model is surer', () => {
    const part = fc.tuple(
      fc.constantFrom('a', '.', ' ', 'b1', '(', '\n', ' elaborate'),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const text = shown(...parts);
        assert.ok(parts.map(([text]) => text).join('').startsWith(text)); // prettier-ignore
        assert.notEqual(text.length, 1);
        const surer = parts.map(([text, probability]): Part => [text, Math.sqrt(probability)]);
        assert.ok(shown(...surer).length >= text.length);
      }),
    );
  });
});
