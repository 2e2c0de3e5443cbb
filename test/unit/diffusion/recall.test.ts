import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { HoleMemory } from '../../../server/src/diffusion/holeMemory';
import {
  type BehindHole,
  mixInto,
  Recall,
  type RecallQuery,
  withRecollection,
} from '../../../server/src/diffusion/recall';

const vocabSize = 40;
const end = 2;
/** Each order takes half of what is left. */
const half = { orders: [1, 2, 3, 4, 6, 8], weights: new Array(6).fill(new Array(3).fill([0.5, 0.5, 0.5])) };

const recallOf = (texts: readonly (readonly number[])[], weights = half): Recall =>
  new Recall(
    texts.map((text) => Int32Array.from(text)),
    vocabSize,
    weights,
  );

/** Behind the hole stands this token, and 39 is 38 and that token in one. */
const behindWith = (after?: number): BehindHole => ({
  isEnd: (token) => token === after,
  without: (token) => (token === 39 && after !== undefined ? 38 : token),
});

/** What is recalled, rounded, with what is left to the model under "rest". */
function recalled(
  texts: readonly (readonly number[])[],
  query: Partial<RecallQuery>,
): Record<string, number> {
  const found = recallOf(texts).recollect({ before: [], behind: behindWith(), end, ...query });
  if (found === undefined) return {};
  const shares = [...found.shares].map(([token, share]) => [token, Math.round(share * 1e6) / 1e6] as const);
  return { rest: found.rest, ...Object.fromEntries(shares) };
}

describe('recall', () => {
  const cases: readonly (readonly [
    what: string,
    texts: number[][],
    query: Partial<RecallQuery>,
    expected: Record<string, number>,
  ])[] = [
    ['what followed the last token', [[30, 31]], { before: [30] }, { rest: 0.5, 31: 0.5 }],
    ['nothing behind the end of a text', [[31, 30], [32]], { before: [30] }, {}],
    ['nothing before the first token', [[30, 31]], { before: [] }, {}],
    ['nothing unknown', [[30, 31]], { before: [33] }, {}],
    [
      'more of what followed two tokens than of what followed one',
      [[29, 30, 31, 28, 30, 32]],
      { before: [29, 30] },
      // Half of all by two tokens, half of the rest by one, shared by both.
      { rest: 0.25, 31: 0.5 + 0.125, 32: 0.125 },
    ],
    [
      'the end of the hole where what follows it follows',
      [
        [30, 31],
        [30, 32],
      ],
      { before: [30], behind: behindWith(31) },
      { rest: 0.5, [end]: 0.25, 32: 0.25 },
    ],
    [
      'no end of an empty hole',
      [[30, 31]],
      { before: [30], behind: behindWith(31), end: undefined },
      { rest: 0.5, 31: 0.5 },
    ],
    [
      'only what may come',
      [
        [30, 31],
        [30, 32],
      ],
      { before: [30], allowed: new Set([32, 33]) },
      { rest: 0.5, 32: 0.5 },
    ],
  ];
  for (const [what, texts, query, expected] of cases) {
    it(`gives ${what}`, () => {
      assert.deepEqual(recalled(texts, query), expected);
    });
  }

  it('believes what was found often and unanimously by its own weight', () => {
    const cell = (often: number, agreement: number): number => 0.1 + 0.3 * often + 0.1 * agreement;
    const table = [0, 1, 2].map((often) => [0, 1, 2].map((agreement) => cell(often, agreement)));
    const weights = { orders: [1], weights: [table] };
    const restAfter = (followers: readonly number[]): number =>
      recallOf([followers.flatMap((token) => [30, token])], weights).recollect({
        before: [30],
        behind: behindWith(),
        end,
      })!.rest;
    const times = (count: number, token: number): number[] => new Array<number>(count).fill(token);
    assert.equal(restAfter([31]), 1 - cell(0, 2));
    assert.equal(restAfter([31, 32]), 1 - cell(1, 0));
    assert.equal(restAfter([31, 31, 32]), 1 - cell(1, 1));
    assert.equal(restAfter([31, 31, 31]), 1 - cell(1, 2));
    assert.equal(restAfter([...times(9, 31), 32]), 1 - cell(2, 1));
    assert.equal(restAfter(times(4, 31)), 1 - cell(2, 2));
  });

  const texts = fc.array(fc.array(fc.integer({ min: 20, max: 24 }), { maxLength: 30 }), { maxLength: 4 });
  const before = fc.array(fc.integer({ min: 20, max: 24 }), { minLength: 1, maxLength: 10 });

  it('shares out what it takes, whatever the texts are', () => {
    fc.assert(
      fc.property(
        texts,
        before,
        fc.option(fc.integer({ min: 20, max: 24 }), { nil: undefined }),
        (all, known, after) => {
          const found = recallOf(all).recollect({ before: known, behind: behindWith(after), end });
          if (found === undefined) return;
          const taken = [...found.shares.values()].reduce((sum, share) => sum + share, 0);
          assert.ok(Math.abs(found.rest + taken - 1) < 1e-12);
          assert.ok(found.rest > 0);
        },
      ),
    );
  });

  it('leaves logits normalised, and says of one token what it says of it among all', () => {
    fc.assert(
      fc.property(texts, before, fc.integer({ min: 0, max: vocabSize - 1 }), (all, known, token) => {
        const found = recallOf(all).recollect({ before: known, behind: behindWith(), end });
        const logits = new Float32Array(2 * vocabSize).fill(-Math.log(vocabSize));
        const untouched = logits.slice(0, vocabSize);
        mixInto(logits, 1, vocabSize, found);
        const mixed = logits.subarray(vocabSize);
        assert.ok(Math.abs(mixed.reduce((sum, value) => sum + Math.exp(value), 0) - 1) < 1e-5);
        assert.ok(Math.abs(mixed[token]! - withRecollection(untouched[token]!, token, found)) < 1e-5);
        assert.deepEqual(logits.subarray(0, vocabSize), untouched);
      }),
    );
  });
});

describe('the memory of a hole', () => {
  const opening = { ids: Int32Array.of(30, 31), bare: 30 };
  const memory = (texts: readonly (readonly number[])[], withOpening = false): HoleMemory =>
    new HoleMemory(recallOf(texts), [28, 29], behindWith(35), end, withOpening ? opening : undefined);
  const tokensAt = (place: ReturnType<HoleMemory['at']>): number[] =>
    [...(place?.shares.keys() ?? [])].sort((a, b) => a - b);

  it('goes on from the text before the hole and the tokens in it', () => {
    const file = memory([[28, 29, 30, 31, 35]]);
    assert.deepEqual(tokensAt(file.at([])), [30]);
    assert.deepEqual(tokensAt(file.at(Int32Array.of(30))), [31]);
    assert.deepEqual(tokensAt(file.at([30, 31])), [end]);
    assert.ok(file.at([30])!.rest < memory([[30, 31]]).at([30])!.rest);
  });

  it('knows only the tokens behind a gap', () => {
    const file = memory([[28, 29, 30, 31]]);
    assert.equal(file.at([30], false)!.rest, 1 / 2);
    assert.equal(file.at([], false), undefined);
  });

  it('ends no hole that says nothing yet', () => {
    const file = memory([
      [29, 35],
      [29, 30, 35],
    ]);
    assert.deepEqual(tokensAt(file.at([])), [30, 35]);
    const healed = memory(
      [
        [29, 30, 35],
        [29, 31, 35],
        [29, 32],
      ],
      true,
    );
    assert.deepEqual(tokensAt(healed.at([])), [31]);
    assert.deepEqual(tokensAt(healed.at([30])), [35]);
    assert.deepEqual(tokensAt(healed.at([31])), [end]);
  });

  it('goes on behind a block, where the hole may end at once', () => {
    const rest = memory([[28, 29, 30, 31, 35]], true).behind(Int32Array.of(30, 31));
    assert.deepEqual(tokensAt(rest.at([])), [end]);
  });
});
