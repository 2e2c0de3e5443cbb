import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sureBeginning } from '../../../server/src/completion/sureBeginning';

/** Parts of a text and the probability of each after those before it. */
function cut(least: number, ...parts: readonly (readonly [string, number])[]): string {
  let end = 0;
  let logProbability = 0;
  const beginnings = parts.map(([part, probability]) => {
    end += part.length;
    logProbability += Math.log(probability);
    return { end, logProbability };
  });
  return sureBeginning(parts.map(([part]) => part).join(''), beginnings, least);
}

describe('sureBeginning', () => {
  it('shows everything that is likely enough', () => {
    assert.equal(cut(0.5, ['return', 0.9], [' value', 0.8], [';', 0.9]), 'return value;');
  });

  it('cuts where the whole becomes too unlikely', () => {
    assert.equal(cut(0.5, ['value', 0.9], ['.', 0.8], ['length', 0.3], [';', 1]), 'value.');
  });

  it('multiplies: many nearly sure tokens are not sure together', () => {
    assert.equal(cut(0.5, ['a', 0.8], ['.', 0.8], ['b', 0.8], ['.', 0.8], ['c', 0.8]), 'a.b');
  });

  it('does not stop inside a word', () => {
    assert.equal(cut(0.5, ['x = ', 0.9], ['get', 0.9], ['Value', 0.1], ['()', 1]), 'x = ');
  });

  it('shows nothing when the first word is unsure', () => {
    assert.equal(cut(0.5, ['get', 0.9], ['Value', 0.1]), '');
    assert.equal(cut(0.5), '');
  });

  it('always gives a beginning, the longer the less is asked for', () => {
    const part = fc.tuple(
      fc.constantFrom('a', '.', ' ', 'b1', '(', '\n'),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(part), fc.double({ min: 0, max: 1, noNaN: true }), (parts, least) => {
        const strict = cut(least, ...parts);
        assert.ok(parts.map(([text]) => text).join('').startsWith(strict)); // prettier-ignore
        assert.ok(cut(least / 2, ...parts).startsWith(strict));
      }),
    );
  });
});
