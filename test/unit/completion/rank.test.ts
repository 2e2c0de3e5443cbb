import assert from 'node:assert/strict';
import { join } from 'node:path';
import { bestOf, rank } from '../../../server/src/completion/rank';
import { SyntaxChecker } from '../../../server/src/completion/syntaxCheck';

describe('rank', () => {
  const cases: readonly {
    readonly name: string;
    readonly given: readonly { readonly id: string; readonly score: number; readonly parses?: boolean }[];
    readonly expected: string;
  }[] = [
    {
      name: 'orders by score without verdicts',
      given: [
        { id: 'a', score: -3 },
        { id: 'b', score: -1 },
      ],
      expected: 'ba',
    },
    {
      name: 'puts what does not parse behind what does, whatever the score',
      given: [
        { id: 'a', score: -1, parses: false },
        { id: 'b', score: -9, parses: true },
      ],
      expected: 'ba',
    },
    {
      name: 'keeps the order of equals',
      given: [
        { id: 'a', score: -1, parses: true },
        { id: 'b', score: -1, parses: true },
        { id: 'c', score: -1, parses: true },
      ],
      expected: 'abc',
    },
    {
      name: 'puts what nobody looked at in between',
      given: [
        { id: 'a', score: -1 },
        { id: 'b', score: -2, parses: false },
        { id: 'c', score: -3, parses: true },
      ],
      expected: 'cab',
    },
    { name: 'accepts nothing', given: [], expected: '' },
  ];
  for (const { name, given, expected } of cases) {
    it(name, () => {
      assert.equal(
        rank(given)
          .map((candidate) => candidate.id)
          .join(''),
        expected,
      );
    });
  }
});

describe('bestOf', () => {
  const checker = new SyntaxChecker(join(process.cwd(), 'dist/grammars'));
  after(() => {
    checker.dispose();
  });
  const candidates = [
    { text: 'b', score: -3 },
    { text: '(', score: -1 },
    { text: 'a', score: -2 },
    { text: 'c', score: -4 },
  ];
  const best = (language: string, wanted: number): Promise<readonly object[]> =>
    bestOf(
      checker,
      { language, segments: ['', ';\n'], writesOn: false },
      candidates,
      ({ text }) => [text],
      wanted,
    );

  it('gives so many of the likeliest that parse', async () => {
    assert.deepEqual(await best('typescript', 2), [
      { text: 'a', score: -2, parses: true },
      { text: 'b', score: -3, parses: true },
    ]);
  });

  it('fills up with what does not parse', async () => {
    assert.deepEqual((await best('typescript', 4)).at(-1), { text: '(', score: -1, parses: false });
  });

  it('adds no fact where parsing said nothing', async () => {
    assert.deepEqual(await best('markdown', 1), [{ text: '(', score: -1 }]);
  });
});
