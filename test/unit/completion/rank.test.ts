import assert from 'node:assert/strict';
import { rank, withVerdicts } from '../../../server/src/completion/rank';

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

  it('adds no fact where parsing said nothing', () => {
    assert.deepEqual(withVerdicts([{ score: 1 }], { kind: 'unjudged', reason: 'no grammar' }), [
      { score: 1 },
    ]);
    assert.deepEqual(withVerdicts([{ score: 1 }], { kind: 'judged', parses: [false] }), [
      { score: 1, parses: false },
    ]);
  });
});
