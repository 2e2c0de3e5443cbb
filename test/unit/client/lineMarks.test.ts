import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { lineAfter, type Change } from '../../../client/src/lineMarks';

const change = (from: [number, number], to: [number, number], text: string): Change => ({
  range: { start: { line: from[0], character: from[1] }, end: { line: to[0], character: to[1] } },
  text,
});

describe('a marked line', () => {
  const cases: readonly (readonly [name: string, made: Change, after: number | undefined])[] = [
    ['moves down with a line that is inserted above', change([1, 0], [1, 0], 'new\n'), 4],
    ['moves down with a line that is inserted right before it', change([3, 0], [3, 0], 'new\r\n'), 4],
    ['moves up with lines that are removed right before it', change([1, 0], [3, 0], ''), 1],
    ['moves with an edit that ends in the line above', change([1, 2], [2, 1], 'a\nb\nc'), 4],
    ['stays when something below changes', change([4, 0], [5, 2], ''), 3],
    ['stays when its own text changes, which is for others to see', change([3, 1], [3, 2], 'x'), 3],
    ['stays when a line is opened behind it', change([3, 4], [3, 4], '\n'), 3],
    ['is lost when it is joined to the line above', change([2, 4], [3, 0], ''), undefined],
    ['is lost when its beginning is replaced', change([2, 4], [3, 2], '\n'), undefined],
  ];
  for (const [name, made, after] of cases) {
    it(name, () => {
      assert.equal(lineAfter(3, [made]), after);
    });
  }

  it('is found at the same text, or not at all, after any edits', () => {
    const edits = fc.array(
      fc.record({
        from: fc.nat(),
        length: fc.nat(12),
        text: fc.string({ unit: fc.constantFrom('x', '\n', '\r\n', 'y'), maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(fc.nat(11), edits, (line, made) => {
        // Every line has a letter of its own, so that "the same text" is the same line, also where one is split.
        const text = Array.from('abcdefghijkl', (letter) => letter.repeat(4)).join('\n');
        const document = TextDocument.create('file:///a', 'plaintext', 1, text);
        const marked = text.split('\n')[line] ?? '';
        const changes: Change[] = [];
        let isTouched = false;
        for (const { from, length, text: newText } of made) {
          const size = document.getText().length;
          const start = document.positionAt(from % (size + 1));
          const end = document.positionAt((from % (size + 1)) + length);
          const at = document.getText().indexOf(marked);
          const [a, b] = [document.offsetAt(start), document.offsetAt(end)];
          if (a < at + marked.length && b > at) isTouched = true;
          changes.push({ range: { start, end }, text: newText });
          TextDocument.update(document, [{ range: { start, end }, text: newText }], document.version + 1);
        }
        const lines = document.getText().split(/\r\n|\r|\n/);
        const found = lineAfter(line, changes);
        if (isTouched) return;
        const alone = lines.indexOf(marked);
        // A line that was joined to another for a while is lost, although it may stand alone again.
        if (found !== undefined) assert.equal(alone < 0 ? lines[found] === marked : found !== alone, false);
      }),
      { numRuns: 1_000 },
    );
  });
});
