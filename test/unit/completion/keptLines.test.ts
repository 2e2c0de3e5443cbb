import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { neverCancelled } from '../../../server/src/base/cancellation';
import { fillJointly } from '../../../server/src/completion/jointFill';
import { changedKeptLine, holesOfSelection, withFills } from '../../../server/src/completion/keptLines';
import { SyntaxChecker } from '../../../server/src/completion/syntaxCheck';
import type { OffsetRange } from '../../../server/src/completion/text';
import { infillerOf, ScriptedModel } from './scriptedModel';

/** Where each line of the text begins and where its text ends. */
function linesOf(text: string): OffsetRange[] {
  return (
    [...text.matchAll(/[^\r\n]*(?:\r\n|\r|\n|$)/g)]
      // At the end of the text an empty line is one only behind a line end.
      .filter(({ index, 0: line }) => line !== '' || index === 0 || /[\r\n]/.test(text[index - 1] ?? ''))
      .map(({ index, 0: line }) => ({ start: index, end: index + line.replace(/[\r\n]+$/, '').length }))
  );
}

function holesOf(text: string, selection: OffsetRange, kept: readonly OffsetRange[]): readonly OffsetRange[] {
  const rewrite = holesOfSelection(text, selection, kept);
  if (rewrite.kind !== 'rewrite') assert.fail(rewrite.reason);
  return rewrite.holes;
}

const whole = (text: string): OffsetRange => ({ start: 0, end: text.length });

/** A text with a selection in it and some of the lines inside the selection. */
const selections = fc
  .record({
    lines: fc.array(fc.string({ unit: fc.constantFrom('a', '{', ' ', '\t', '😀', ';'), maxLength: 8 }), {
      minLength: 1,
      maxLength: 12,
    }),
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
    from: fc.nat(),
    to: fc.nat(),
    marks: fc.array(fc.boolean(), { minLength: 13, maxLength: 13 }),
    reversed: fc.boolean(),
  })
  .map(({ lines, lineEnd, from, to, marks, reversed }) => {
    const text = lines.join(lineEnd);
    const [a, b] = [from % (text.length + 1), to % (text.length + 1)];
    const selection = { start: Math.min(a, b), end: Math.max(a, b) };
    const kept = linesOf(text).filter(
      (line, i) => marks[i] === true && line.start >= selection.start && line.end <= selection.end,
    );
    return { text, selection, kept: reversed ? kept.reverse() : kept };
  });

const fillTexts = fc.array(
  fc.string({ unit: fc.constantFrom('x', '\n', '  ', 'return', '😀'), maxLength: 6 }),
  {
    minLength: 13,
    maxLength: 13,
  },
);

describe('kept lines', () => {
  it('leave what is between them, without white space around, as holes', () => {
    const text = 'if (a) {\n  one();\n  two();\n  three();\n}\n';
    const [, , two] = linesOf(text);
    assert.ok(two);
    const holes = holesOf(text, whole(text), [two]);
    assert.deepEqual(
      holes.map(({ start, end }) => text.slice(start, end)),
      ['if (a) {\n  one();', 'three();\n}'],
    );
    assert.equal(withFills(text, holes, ['A', 'B']), 'A\n  two();\n  B\n');
  });

  it('next to each other leave no hole between them', () => {
    const text = 'one\n\ntwo\nthree';
    const [one, blank, two] = linesOf(text);
    assert.ok(one && blank && two);
    assert.deepEqual(holesOf(text, whole(text), [one, two]), [{ start: 9, end: 14 }]);
    assert.deepEqual(holesOf(text, whole(text), [two, blank, one]), [{ start: 9, end: 14 }]);
  });

  it('may not be all there is', () => {
    const text = 'one\ntwo\n';
    const rewrite = holesOfSelection(text, whole(text), linesOf(text));
    if (rewrite.kind !== 'refused') assert.fail('nothing is left');
    assert.match(rewrite.reason, /Nothing is left to regenerate/);
  });

  it('are none in a selection of blanks alone, which is one hole', () => {
    assert.deepEqual(holesOf('a\n  \nb', { start: 2, end: 4 }, []), [{ start: 2, end: 4 }]);
  });

  const refused: readonly (readonly [name: string, kept: OffsetRange, reason: RegExp])[] = [
    ['outside the selection', { start: 0, end: 3 }, /0–3 is not inside the selection 4–11/],
    ['beginning inside a line', { start: 5, end: 7 }, /5–7 is not whole lines/],
    ['ending inside a line', { start: 4, end: 6 }, /4–6 is not whole lines/],
    ['with their line break', { start: 4, end: 8 }, /4–8 is not whole lines/],
  ];
  for (const [name, kept, reason] of refused) {
    it(`are refused ${name}`, () => {
      const rewrite = holesOfSelection('one\ntwo\nthree', { start: 4, end: 11 }, [kept]);
      if (rewrite.kind !== 'refused') assert.fail('expected a refusal');
      assert.match(rewrite.reason, reason);
    });
  }

  it('that a fill would change are named with what came instead', () => {
    const text = 'one\ntwo\nthree';
    const kept = [{ start: 4, end: 7 }];
    assert.equal(changedKeptLine(text, [{ start: 0, end: 3 }], ['ONE\nMORE'], kept), undefined);
    const glued = changedKeptLine(text, [{ start: 0, end: 4 }], ['ONE '], kept);
    assert.equal(glued, 'A kept line would change: expected "two", got "ONE two".');
    const replaced = changedKeptLine(text, [{ start: 4, end: 5 }], ['T'], kept);
    assert.equal(replaced, 'A kept line would change: expected "two", got "Two".');
    const prolonged = changedKeptLine(text, [{ start: 7, end: 7 }], [' more'], kept);
    assert.equal(prolonged, 'A kept line would change: expected "two", got "two more".');
  });

  it('and everything outside the selection are the same after any fill of any selection', () => {
    fc.assert(
      fc.property(selections, fillTexts, ({ text, selection, kept }, fills) => {
        const rewrite = holesOfSelection(text, selection, kept);
        if (rewrite.kind === 'refused') {
          const open = kept
            .sort((a, b) => b.start - a.start)
            .reduce((rest, line) => rest.slice(0, line.start) + rest.slice(line.end), text);
          const end = selection.end - kept.reduce((sum, line) => sum + line.end - line.start, 0);
          assert.equal(open.slice(selection.start, end).trim(), '', 'something was left to regenerate');
          return;
        }
        assert.equal(changedKeptLine(text, rewrite.holes, fills, kept), undefined);
        const filled = withFills(text, rewrite.holes, fills);
        assert.ok(filled.startsWith(text.slice(0, selection.start)));
        assert.ok(filled.endsWith(text.slice(selection.end)));
        // Written down apart from the code under test: kept lines are lines of the result, in their order.
        const lines = linesOf(filled).map(({ start, end }) => filled.slice(start, end));
        for (const { start, end } of [...kept].sort((a, b) => a.start - b.start)) {
          const at = lines.indexOf(text.slice(start, end));
          assert.ok(at >= 0, `${JSON.stringify(text.slice(start, end))} is gone`);
          lines.splice(0, at + 1);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('stay when the model fills the holes between them', async () => {
    const syntax = new SyntaxChecker(join(process.cwd(), 'dist/grammars'));
    const model = new ScriptedModel('first();', 'second();\nthird();', 'last();');
    try {
      await fc.assert(
        fc.asyncProperty(selections, async ({ text, selection, kept }) => {
          const rewrite = holesOfSelection(text, selection, kept);
          fc.pre(selection.end > selection.start);
          if (rewrite.kind === 'refused') return;
          const outcome = await fillJointly(
            infillerOf(model),
            syntax,
            {
              language: 'typescript',
              text,
              holes: rewrite.holes,
              candidates: 2,
              maxTokens: rewrite.holes.map(() => 16),
              temperature: 0,
              seed: 0,
              dropUnchanged: true,
            },
            neverCancelled,
          );
          if (outcome.kind === 'failed') {
            // A selection may cut a character in two; that is refused before anything is filled.
            assert.match(outcome.reason, /inside a character/);
            return;
          }
          if (outcome.kind !== 'filled') return;
          for (const { fills } of outcome.candidates)
            assert.equal(changedKeptLine(text, rewrite.holes, fills, kept), undefined);
        }),
        { numRuns: 30 },
      );
    } finally {
      syntax.dispose();
    }
  });
});
