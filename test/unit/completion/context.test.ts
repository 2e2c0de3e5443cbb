import assert from 'node:assert/strict';
import fc from 'fast-check';
import { contextAround, type InfillContext } from '../../../server/src/completion/context';
import { withoutHoleMarkers } from '../../../server/src/completion/holeMarkers';
import { fromLf, toLf, wellFormed, type OffsetRange } from '../../../server/src/completion/text';

/** Text with everything that goes wrong in editors: both line ends, pairs, halves of pairs, brackets. */
const awkwardText = fc
  .array(
    fc.constantFrom(
      'a',
      'foo(',
      ')',
      '{',
      '\n',
      '\r\n',
      '\r',
      '\t',
      '    ',
      '😀',
      '\ud83d',
      '\ude00',
      'é',
      '⟦⟧',
      '',
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));

function cut(text: string, holes: readonly OffsetRange[], size = 12_000): InfillContext {
  const result = contextAround(text, holes, { before: size, after: size });
  if (result.kind === 'refused') assert.fail(result.reason);
  return result.context;
}

/** Holes as `│` (a cursor) or `[…]` in the text. */
function marked(source: string): { readonly text: string; readonly holes: readonly OffsetRange[] } {
  let text = '';
  const holes: OffsetRange[] = [];
  for (const part of source.split(/(│|\[[^\]]*\])/)) {
    const start = text.length;
    if (part.startsWith('[')) text += part.slice(1, -1);
    else if (part !== '│') text += part;
    if (part === '│' || part.startsWith('[')) holes.push({ start, end: text.length });
  }
  return { text, holes };
}

describe('contextAround', () => {
  const cases: readonly { readonly source: string; readonly segments: readonly string[] }[] = [
    { source: '│', segments: ['', ''] },
    { source: 'a│b', segments: ['a', 'b'] },
    { source: 'a[b]c', segments: ['a', 'c'] },
    { source: 'a[b]c│d', segments: ['a', 'c', 'd'] },
    { source: '││', segments: ['', '', ''] },
    { source: 'a⟦⟧b│c⟦ 12 ⟧d', segments: ['ab', 'cd'] },
    { source: 'a\r\n│\r\nb\rc', segments: ['a\n', '\nb\nc'] },
    { source: '😀│\ud83dx', segments: ['😀', '\ufffdx'] },
  ];
  for (const { source, segments } of cases) {
    it(`${JSON.stringify(source)} → ${JSON.stringify(segments)}`, () => {
      const { text, holes } = marked(source);
      assert.deepEqual(cut(text, holes).segments, segments);
    });
  }

  const refusals: readonly (readonly [
    name: string,
    text: string,
    holes: readonly OffsetRange[],
    reason: RegExp,
  ])[] = [
    ['no hole', 'a', [], /no hole/],
    ['a hole beyond the end', 'a', [{ start: 0, end: 2 }], /spans 0–2, but the text has 1 characters/],
    ['a hole that ends before it starts', 'ab', [{ start: 2, end: 1 }], /spans 2–1/],
    [
      'overlapping holes',
      'abcd',
      [
        { start: 0, end: 2 },
        { start: 1, end: 3 },
      ],
      /Hole 2 of 2 starts at 1, before the previous one ends \(2\)/,
    ],
    ['a cursor inside a character', '😀', [{ start: 1, end: 1 }], /inside a character/],
  ];
  for (const [name, text, holes, reason] of refusals) {
    it(`refuses ${name}`, () => {
      const result = contextAround(text, holes);
      if (result.kind !== 'refused') assert.fail('it was not refused');
      assert.match(result.reason, reason);
    });
  }

  it('remembers the line ends of the document', () => {
    assert.equal(cut('a\r\nb\r\nc\n', [{ start: 0, end: 0 }]).lineEnding, '\r\n');
    assert.equal(cut('a\nb', [{ start: 0, end: 0 }]).lineEnding, '\n');
    assert.equal(cut('', [{ start: 0, end: 0 }]).lineEnding, '\n');
  });

  it('covers the text around the holes, and nothing else changes hands', () => {
    fc.assert(
      fc.property(awkwardText, fc.nat(), fc.nat(), (text, a, b) => {
        const ends = [a % (text.length + 1), b % (text.length + 1)].sort((x, y) => x - y);
        const [start = 0, end = 0] = ends;
        const result = contextAround(text, [{ start, end }]);
        if (result.kind === 'refused') {
          assert.match(result.reason, /inside a character/);
          return;
        }
        assert.deepEqual(result.context.segments, [
          wellFormed(toLf(withoutHoleMarkers(text.slice(0, start)))),
          wellFormed(toLf(withoutHoleMarkers(text.slice(end)))),
        ]);
      }),
    );
  });

  it('hands over well-formed text with LF only', () => {
    fc.assert(
      fc.property(awkwardText, fc.nat(), (text, at) => {
        const offset = at % (text.length + 1);
        const result = contextAround(text, [{ start: offset, end: offset }], { before: 20, after: 20 });
        if (result.kind === 'refused') return;
        for (const segment of result.context.segments) {
          assert.doesNotMatch(segment, /\r|\p{Surrogate}/u);
          assert.ok(segment.length <= 20);
        }
      }),
    );
  });

  it('translates line ends there and back', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '\r\n', '😀')), (parts) => {
        const text = parts.join('');
        assert.equal(fromLf(toLf(text), '\r\n'), text);
      }),
    );
  });

  it('takes a window out of 5 MB, and starts it at a line', () => {
    const text = 'const value = compute(1, 2, 3);\n'.repeat(160_000);
    const middle = text.length / 2;
    const context = cut(text, [{ start: middle, end: middle }]);
    assert.ok(context.cutBefore && context.cutAfter);
    const [before = '', after = ''] = context.segments;
    assert.ok(before.startsWith('const') && before.length <= 12_000 && before.length > 6_000);
    assert.ok(after.endsWith('\n') && after.length <= 12_000);
    assert.ok(context.outside.before + before + after + context.outside.after === text);
  });

  it('takes a window out of one endless line', () => {
    const text = '😀'.repeat(100_000);
    const context = cut(text, [{ start: 100_000, end: 100_000 }]);
    for (const segment of context.segments) assert.doesNotMatch(segment, /\ufffd/);
  });

  it('keeps the left edge where it is while a person types on', () => {
    const text = 'let a = 1;\n'.repeat(5_000);
    const edges = new Set<number>();
    const keystrokes = 3_000;
    for (let typed = 0; typed < keystrokes; typed++) {
      const grown = text + 'x'.repeat(typed);
      edges.add(cut(grown, [{ start: grown.length, end: grown.length }]).outside.before.length);
    }
    assert.ok(edges.size <= 2, `${edges.size} edges in ${keystrokes} keystrokes`);
  });
});
