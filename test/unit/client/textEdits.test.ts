import assert from 'node:assert/strict';
import fc from 'fast-check';
import { changedKeptLine, withEdits, writtenRanges, type OffsetEdit } from '../../../client/src/textEdits';

const edit = (start: number, end: number, newText: string): OffsetEdit => ({ start, end, newText });

/** Edits in ascending order that do not overlap. */
const edits = fc
  .array(fc.tuple(fc.nat(8), fc.nat(8), fc.string({ unit: fc.constantFrom('x', '\n', '😀') })), {
    maxLength: 5,
  })
  .map((steps) => {
    let from = 0;
    return steps.map(([gap, length, newText]) => {
      const start = from + gap;
      from = start + length;
      return edit(start, from, newText);
    });
  });

describe('edits of a text', () => {
  it('are made at the places they were computed for', () => {
    assert.equal(withEdits('one two three', [edit(0, 3, '1'), edit(8, 13, 'drei')]), '1 two drei');
  });

  it('say where what they wrote stands afterwards', () => {
    fc.assert(
      fc.property(edits, (made) => {
        const text = '.'.repeat(100);
        const after = withEdits(text, made);
        const written = writtenRanges(made).map(({ start, end }) => after.slice(start, end));
        assert.deepEqual(
          written,
          made.map(({ newText }) => newText),
        );
      }),
    );
  });
});

describe('changedKeptLine', () => {
  const text = 'one\r\ntwo\r\nthree\r\nfour';

  it('finds nothing where lines only moved', () => {
    assert.equal(changedKeptLine(text, [edit(0, 3, 'a\r\nb\r\nc'), edit(10, 15, '3')], [1, 3]), undefined);
    assert.equal(changedKeptLine(text, [edit(0, 8, 'together')], [2, 3]), undefined);
  });

  const changes: readonly (readonly [name: string, made: OffsetEdit, came: string])[] = [
    ['text was replaced', edit(5, 6, 'T'), 'Two\r\n'],
    ['text was added before it', edit(5, 5, 'not '), 'not two\r\n'],
    ['text was added behind it', edit(8, 8, ' more'), 'two more\r\n'],
    ['line end was replaced', edit(8, 10, '\n'), 'two\n'],
    ['next line was joined to it', edit(8, 10, ''), 'twothree\r\n'],
  ];
  for (const [name, made, came] of changes) {
    it(`finds a line whose ${name}`, () => {
      assert.deepEqual(changedKeptLine(text, [made], [1]), { line: 1, expected: 'two\r\n', came });
    });
  }

  it('finds that the line before was joined to it', () => {
    const changed = changedKeptLine(text, [edit(3, 5, '')], [1]);
    assert.equal(changed?.came, 'onetwo\r\n');
  });
});
