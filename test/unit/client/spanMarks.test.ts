import assert from 'node:assert/strict';
import fc from 'fast-check';
import { spansAfter, type Span, type SpanChange } from '../../../client/src/spanMarks';

const change = (rangeOffset: number, rangeLength: number, text: string): SpanChange => ({
  rangeOffset,
  rangeLength,
  text,
});

describe('a marked span', () => {
  const cases: readonly (readonly [name: string, made: SpanChange, after: readonly Span[]])[] = [
    ['moves with text that is inserted before it', change(0, 0, 'abc'), [{ start: 13, end: 18 }]],
    ['moves with text that is removed before it', change(2, 4, ''), [{ start: 6, end: 11 }]],
    ['stays when something behind it changes', change(16, 2, 'x'), [{ start: 10, end: 15 }]],
    ['is gone when its text is changed', change(12, 1, 'x'), []],
    ['is gone when something is typed right before it', change(10, 0, 'x'), []],
    ['is gone when something is typed right behind it', change(15, 0, 'x'), []],
    ['is gone when it is replaced with what is around it', change(5, 20, 'x'), []],
  ];
  for (const [name, made, after] of cases) {
    it(name, () => {
      assert.deepEqual(spansAfter([{ start: 10, end: 15 }], [made]), after);
    });
  }

  it('has the same text, or is gone, after any edits', () => {
    const changes = fc.array(
      fc.record({
        offset: fc.nat(),
        length: fc.nat(6),
        text: fc.string({ unit: fc.constantFrom('X', '\n') }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(fc.nat(30), fc.integer({ min: 1, max: 6 }), changes, (start, length, made) => {
        let text = 'abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz';
        const marked = text.slice(start, start + length);
        const sent = made.map(({ offset, length: removed, text: added }) => {
          const at = offset % (text.length + 1);
          const count = Math.min(removed, text.length - at);
          text = text.slice(0, at) + added + text.slice(at + count);
          return change(at, count, added);
        });
        const [span] = spansAfter([{ start, end: start + length }], sent);
        if (span !== undefined) assert.equal(text.slice(span.start, span.end), marked);
      }),
      { numRuns: 1_000 },
    );
  });
});
