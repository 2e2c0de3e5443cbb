import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { HoleMemory } from '../../../server/src/diffusion/holeMemory';
import { contextHash, type NgramOrder, Ngrams } from '../../../server/src/diffusion/ngrams';
import {
  type BehindHole,
  mixInto,
  Recall,
  RecalledTexts,
  type RecallQuery,
  type RecallWeights,
  withRecollection,
} from '../../../server/src/diffusion/recall';

const vocabSize = 40;
const end = 2;
const tableOf = (orders: number, weight: number): number[][][] =>
  Array.from({ length: orders }, () => new Array<number[]>(3).fill([weight, weight, weight]));
/** Each order takes half of what is left; that something behind the hole is near is not counted on top. */
const half: RecallWeights = {
  orders: [1, 2, 3, 4, 6, 8],
  weights: [tableOf(6, 0.5), tableOf(6, 0), tableOf(6, 0), tableOf(6, 0)],
  ngrams: tableOf(2, 0.5),
};

/** Behind the hole stands this token, and 39 is 38 and that token in one. */
const behindWith = (after?: number, ...more: number[]): BehindHole => ({
  tokens: after === undefined ? [] : [after, ...more],
  isEnd: (token) => token === after,
  without: (token) => (token === 39 && after !== undefined ? 38 : token),
});

function recallOf(
  texts: readonly (readonly number[])[],
  { behind = behindWith(), weights = half, ngrams }: Partial<Sources> = {},
): Recall {
  const known = new RecalledTexts(
    texts.map((text) => Int32Array.from(text)),
    vocabSize,
  );
  return new Recall(known, behind, weights, ngrams);
}

interface Sources {
  readonly behind: BehindHole;
  readonly weights: RecallWeights;
  readonly ngrams: Ngrams;
}

/** What is recalled, rounded, with what is left to the model under "rest". */
function recalled(
  texts: readonly (readonly number[])[],
  { behind, weights, ngrams, ...query }: Partial<RecallQuery & Sources>,
): Record<string, number> {
  const sources = { ...(behind && { behind }), ...(weights && { weights }), ...(ngrams && { ngrams }) };
  const found = recallOf(texts, sources).recollect({ before: [], end, ...query });
  if (found === undefined) return {};
  const shares = [...found.shares].map(([token, share]) => [token, Math.round(share * 1e6) / 1e6] as const);
  return { rest: found.rest, ...Object.fromEntries(shares) };
}

describe('recall', () => {
  const cases: readonly (readonly [
    what: string,
    texts: number[][],
    query: Partial<RecallQuery & Sources>,
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
    const weights = {
      orders: [1],
      weights: [[table], tableOf(1, 0), tableOf(1, 0), tableOf(1, 0)],
      ngrams: undefined,
    };
    const restAfter = (followers: readonly number[]): number =>
      recallOf([followers.flatMap((token) => [30, token])], { weights }).recollect({ before: [30], end })!
        .rest;
    const times = (count: number, token: number): number[] => new Array<number>(count).fill(token);
    assert.equal(restAfter([31]), 1 - cell(0, 2));
    assert.equal(restAfter([31, 32]), 1 - cell(1, 0));
    assert.equal(restAfter([31, 31, 32]), 1 - cell(1, 1));
    assert.equal(restAfter([31, 31, 31]), 1 - cell(1, 2));
    assert.equal(restAfter([...times(9, 31), 32]), 1 - cell(2, 1));
    assert.equal(restAfter(times(4, 31)), 1 - cell(2, 2));
  });

  describe('near what stands behind the hole', () => {
    const near = (...tables: number[]): RecallWeights => ({
      orders: [1],
      weights: tables.map((weight) => tableOf(1, weight)),
      ngrams: undefined,
    });
    const texts = [
      [30, 31, 20],
      [30, 32, 20, 35],
      [30, 33, 20, 35, 36],
      [30, 34, 20, 20, 20, 20, 20, 20, 20, 35, 36],
    ];

    it('believes the more, the more of it follows soon', () => {
      const behind = behindWith(35, 36, 37);
      // First half of all to the one with both tokens, then half of the rest to those with the first one.
      assert.deepEqual(recalled(texts, { before: [30], behind, weights: near(0, 0, 0.5, 0) }), {
        rest: 0.5,
        33: 0.5,
      });
      assert.deepEqual(recalled(texts, { before: [30], behind, weights: near(0, 0.5, 0.5, 0) }), {
        rest: 0.25,
        32: 0.125,
        33: 0.625,
      });
    });

    it('is within 64 tokens where four of them follow together', () => {
      const behind = behindWith(35, 36, 37, 38);
      const from = (distance: number, ...last: number[]): Record<string, number> =>
        recalled([[30, 31, ...new Array<number>(distance - 2).fill(20), ...last]], {
          before: [30],
          behind,
          weights: near(0, 0, 0, 0.5),
        });
      assert.deepEqual(from(64, 35, 36, 37, 38), { rest: 0.5, 31: 0.5 });
      assert.deepEqual(from(65, 35, 36, 37, 38), {});
      assert.deepEqual(from(64, 35, 36, 37, 20), {});
    });

    it('is within eight tokens', () => {
      const behind = behindWith(35);
      const nearby = (length: number): Record<string, number> =>
        recalled([[30, 31, ...new Array<number>(length).fill(20), 35]], {
          before: [30],
          behind,
          weights: near(0, 0.5, 0.5, 0),
        });
      assert.deepEqual(nearby(6), { rest: 0.5, 31: 0.5 });
      assert.deepEqual(nearby(7), {});
    });
  });

  it('asks n-grams of the corpus last, the longest first', () => {
    const ngrams = ngramsOf([[[30], { 31: 16, 32: 16 }]], [[[29, 30], { 33: 0 }]]);
    assert.deepEqual(recalled([], { before: [29, 30], ngrams }), {
      rest: 0.25,
      33: 0.5,
      31: 0.125,
      32: 0.125,
    });
    assert.deepEqual(recalled([[30, 31]], { before: [28, 30], ngrams }), {
      rest: 0.25,
      31: 0.625,
      32: 0.125,
    });
    // What may not come gets nothing of it, and what stands behind the hole ends it.
    assert.deepEqual(recalled([], { before: [30], ngrams, allowed: new Set([32]) }), { rest: 0.5, 32: 0.5 });
    assert.deepEqual(recalled([], { before: [30], ngrams, behind: behindWith(31) }), {
      rest: 0.5,
      [end]: 0.25,
      32: 0.25,
    });
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
          const found = recallOf(all, { behind: behindWith(after) }).recollect({ before: known, end });
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
        const found = recallOf(all).recollect({ before: known, end });
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

/** A table of n-grams: by number of tokens, of contexts, what follows in a share of 2^(-value / 16). */
function ngramsOf(
  ...orders: readonly (readonly (readonly [context: number[], followers: Record<number, number>])[])[]
): Ngrams {
  return new Ngrams(
    orders.map((contexts): NgramOrder => {
      const rows = contexts
        .map(([context, followers]) => ({ hash: contextHash(context), followers: Object.entries(followers) }))
        .sort((a, b) => a.hash - b.hash);
      const followers = rows.flatMap((row) => row.followers);
      return {
        contexts: Uint32Array.from(rows, ({ hash }) => hash),
        sizes: Uint8Array.from(rows, (row) => row.followers.length),
        often: new Uint8Array(rows.length),
        tokens: Uint16Array.from(followers, ([token]) => Number(token)),
        shares: Uint8Array.from(followers, ([, value]) => value),
      };
    }),
  );
}

describe('the memory of a hole', () => {
  const opening = { ids: Int32Array.of(30, 31), bare: 30 };
  const memory = (texts: readonly (readonly number[])[], withOpening = false): HoleMemory =>
    new HoleMemory(
      recallOf(texts, { behind: behindWith(35) }),
      [28, 29],
      end,
      withOpening ? opening : undefined,
    );
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
