import assert from 'node:assert/strict';
import {
  type FillText,
  fillText,
  UNCERTAIN_BELOW,
  unfinishedText,
} from '../../../server/src/inference/fillText';
import { leadOfNothing } from '../../../server/src/inference/lead';
import { UNDECIDED } from '../../../server/src/inference/messages';
import { tokenizer } from '../tokenizer/shippedTokenizer';

const mask = 1;
const healedLead = { ...leadOfNothing(), opening: ' ' };

/** Tokens of the parts, those of parts in `‹…›` decided with little confidence. */
function tokensOf(...parts: readonly string[]): { ids: Int32Array; confidences: Float64Array } {
  const tokens = parts.flatMap((part) => {
    const doubtful = part.startsWith('‹');
    const ids = tokenizer.encode(doubtful ? part.slice(1, -1) : part);
    return Array.from(ids, (id) => ({ id, confidence: doubtful ? UNCERTAIN_BELOW - 0.01 : UNCERTAIN_BELOW }));
  });
  return {
    ids: Int32Array.from(tokens, ({ id }) => id),
    confidences: Float64Array.from(tokens, ({ confidence }) => confidence),
  };
}

/** The text with its uncertain spans in brackets. */
function marked(...parts: readonly string[]): string {
  const { ids, confidences } = tokensOf(...parts);
  return show(read(ids, confidences));
}

/** Each token is as likely as the next: a log of -1. */
function read(ids: Int32Array, confidences: Float64Array, lead?: typeof healedLead): FillText {
  return fillText(tokenizer, ids, confidences, new Float64Array(ids.length).fill(-1), lead);
}

function show({ text, uncertain }: FillText): string {
  let shown = '';
  let at = 0;
  for (const { start, end } of uncertain) {
    shown += `${text.slice(at, start)}‹${text.slice(start, end)}›`;
    at = end;
  }
  return shown + text.slice(at);
}

describe('fillText', () => {
  const cases: readonly (readonly [name: string, parts: readonly string[], expected: string])[] = [
    ['nothing uncertain', ['let a = 1;'], 'let a = 1;'],
    ['one uncertain token', ['let ', '‹a›', ' = 1;'], 'let ‹a› = 1;'],
    ['neighbours as one span', ['f(', '‹a›', '‹, b›', ')'], 'f(‹a, b›)'],
    ['spans that do not touch', ['‹x›', ' = ', '‹y›'], '‹x› = ‹y›'],
    ['units, not characters or bytes', ['é🙂', '‹日本›', '🙂', '‹z›'], 'é🙂‹日本›🙂‹z›'],
    ['line ends', ['a;\n', '‹b;›', '\n'], 'a;\n‹b;›\n'],
  ];
  for (const [name, parts, expected] of cases) {
    it(`marks ${name}`, () => assert.equal(marked(...parts), expected));
  }

  it('doubts a whole character when one of its tokens is in doubt', () => {
    const { ids } = tokensOf('a𝕏b');
    assert.ok(ids.length > 3, 'the character takes several tokens');
    for (let i = 1; i < ids.length - 1; i++) {
      const confidences = Float64Array.from(ids, (_, at) => (at === i ? 0 : 1));
      assert.equal(show(read(ids, confidences)), 'a‹𝕏›b');
    }
  });

  it('leaves the healed blank out of the text and of the span', () => {
    const { ids, confidences } = tokensOf('‹ value›', ';');
    assert.equal(show(read(ids, confidences, healedLead)), '‹value›;');
    const second = tokensOf(' ', '‹value›');
    assert.equal(show(read(second.ids, second.confidences, healedLead)), '‹value›');
  });

  it('marks nothing in broken characters', () => {
    const { ids } = tokensOf('𝕏');
    const cut = ids.subarray(0, ids.length - 1);
    const { valid, uncertain } = read(cut, new Float64Array(cut.length));
    assert.deepEqual({ valid, uncertain }, { valid: false, uncertain: [] });
  });
});

describe('beginnings of a fill', () => {
  const beginningsOf = (ids: Int32Array, lead?: typeof healedLead): FillText['beginnings'] =>
    read(ids, new Float64Array(ids.length), lead).beginnings;

  it('end with each token, in units, ever less likely', () => {
    const parts = ['é', ' = ', 'f', '(', '🙂'.repeat(2), ')'];
    const ids = parts.map((part) => tokenizer.encode(part));
    const found = beginningsOf(Int32Array.from(ids.flatMap((part) => [...part])));
    let end = 0;
    let tokens = 0;
    for (const [i, part] of parts.entries()) {
      end += part.length;
      tokens += ids[i]!.length;
      assert.deepEqual(
        found.find((beginning) => beginning.end === end),
        { end, logProbability: -tokens },
      );
    }
    assert.equal(found.at(-1)!.end, end);
  });

  it('never end inside a character', () => {
    const ids = tokenizer.encode('a𝕏b');
    assert.deepEqual(beginningsOf(ids).map(({ end }) => end), [1, 3, 4]); // prettier-ignore
  });

  it('count from behind the healed blank', () => {
    const ids = Int32Array.from([...tokenizer.encode(' '), ...tokenizer.encode('x')]);
    assert.deepEqual(beginningsOf(ids, healedLead), [{ end: 1, logProbability: -2 }]);
  });
});

describe('unfinishedText', () => {
  it('shows a placeholder for each token to come', () => {
    const ids = Int32Array.from([mask, ...tokenizer.encode('a'), mask, mask, ...tokenizer.encode(' b')]);
    const expected = `${UNDECIDED}a${UNDECIDED}${UNDECIDED} b`;
    assert.equal(unfinishedText(tokenizer, ids, mask, undefined), expected);
    assert.equal(unfinishedText(tokenizer, ids.subarray(-1), mask, healedLead), 'b');
  });

  it('shows half a character as undecided', () => {
    const ids = Int32Array.from([...tokenizer.encode('𝕏').subarray(0, 1), mask]);
    assert.match(unfinishedText(tokenizer, ids, mask, undefined), new RegExp(`^${UNDECIDED}{2,}$`));
  });
});
