import assert from 'node:assert/strict';
import { parseRequest } from '../../../server/src/cli/fillJsonl';

describe('parseRequest', () => {
  it('takes what it knows and ignores the rest', () => {
    assert.deepEqual(
      parseRequest({ id: 1, language: 'python', segments: ['a', 'b'], maxTokens: 9, note: 'x' }),
      {
        language: 'python',
        segments: ['a', 'b'],
        maxTokens: 9,
      },
    );
    assert.deepEqual(parseRequest({ segments: ['a', 'b'], path: null, lengths: [3] }), {
      language: 'other',
      segments: ['a', 'b'],
      lengths: [3],
    });
    const decoding = { mode: 'ar', steps: 2, candidates: 3, temperature: 0.5, seed: 4 } as const;
    assert.deepEqual(parseRequest({ segments: ['a', 'b'], ...decoding }), {
      language: 'other',
      segments: ['a', 'b'],
      ...decoding,
    });
  });

  const faults: [value: unknown, message: RegExp][] = [
    [null, /expected a JSON object, found null/],
    [[1], /expected a JSON object, found \[1\]/],
    [{}, /expected "segments" to be a list of at least 2 strings, found nothing/],
    [{ segments: ['a'] }, /expected "segments" to be a list of at least 2 strings, found \["a"\]/],
    [{ segments: ['a', 3] }, /expected "segments" to be a list of at least 2 strings/],
    [{ segments: ['a', 'b'], language: 5 }, /expected "language" to be a string, found 5/],
    [{ segments: ['a', 'b'], maxTokens: '9' }, /expected "maxTokens" to be a number, found "9"/],
    [
      { segments: ['a', 'b'], mode: 'AR' },
      /expected "mode" to be one of diffusion, ar, both, verify, found "AR"/,
    ],
    [{ segments: ['a', 'b'], steps: [4] }, /expected "steps" to be a number, found \[4\]/],
    [{ segments: ['a', 'b'], lengths: 9 }, /expected "lengths" to be a list of numbers, found 9/],
  ];
  for (const [value, message] of faults) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      assert.throws(() => parseRequest(value), message);
    });
  }
});
