import assert from 'node:assert/strict';
import fc from 'fast-check';
import { headWindow, tailWindow } from '../../../server/src/inference/textWindow';

const text = fc
  .array(fc.oneof(fc.constantFrom('\n', 'line of code\n', '🙂', '    '), fc.string()), { maxLength: 60 })
  .map((parts) => parts.join(''));
const size = fc.integer({ min: 8, max: 200 });
const startsInCharacter = (cut: string): boolean => /^[\udc00-\udfff]/.test(cut);
const endsInCharacter = (cut: string): boolean => /[\ud800-\udbff]$/.test(cut);

describe('tailWindow', () => {
  it('is an end of the text within the size, and not much less', () => {
    fc.assert(
      fc.property(text, size, (whole, most) => {
        const window = tailWindow(whole, most);
        assert.ok(whole.endsWith(window));
        // One more where the cut would have gone through a surrogate pair.
        assert.ok(window.length <= most + 1);
        assert.ok(window.length >= Math.min(whole.length, Math.floor(most / 2) - 2));
        assert.equal(startsInCharacter(window), false);
      }),
    );
  });

  it('keeps its left edge while one types, but for a jump now and then', () => {
    const whole = Array.from({ length: 400 }, (_, i) => `const value${i} = ${i};\n`).join('');
    const edges = new Set<number>();
    const typed = 400;
    for (let length = whole.length - typed; length < whole.length; length++) {
      edges.add(length - tailWindow(whole.slice(0, length), 1000).length);
    }
    assert.ok(
      edges.size <= Math.ceil(typed / 250) + 1,
      `${edges.size} edges while ${typed} characters were typed`,
    );
  });

  it('begins with a line where it can', () => {
    const whole = 'let a = 1;\n'.repeat(1000);
    assert.match(tailWindow(whole, 500), /^let a/);
  });
});

describe('headWindow', () => {
  it('is a beginning of the text within the size, and not much less', () => {
    fc.assert(
      fc.property(text, size, (whole, most) => {
        const window = headWindow(whole, most);
        assert.ok(whole.startsWith(window));
        assert.ok(window.length <= most);
        assert.ok(window.length >= Math.min(whole.length, Math.floor(most / 2)));
        assert.equal(
          endsInCharacter(window) &&
            window.length < whole.length &&
            startsInCharacter(whole.slice(window.length)),
          false,
        );
      }),
    );
  });
});
