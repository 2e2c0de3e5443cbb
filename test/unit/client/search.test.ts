import assert from 'node:assert/strict';
import type { CheckResult } from '../../../client/src/check/childProcess';
import { findPassing, NONSENSE, type Answer, type SearchOutcome } from '../../../client/src/check/search';

const passed: CheckResult = { kind: 'passed', ms: 12, output: '' };
const failed: CheckResult = { kind: 'failed', because: { kind: 'exit', code: 1 }, ms: 5, output: 'no' };

/** What stands in the document. */
const ORIGINAL = 'original';

/** A search in which the model answers round by round, and texts pass the check or do not. */
async function search(
  rounds: readonly (readonly string[])[],
  check: (text: string) => CheckResult,
  total = 8,
): Promise<{ outcome: SearchOutcome; checked: string[]; asked: number[] }> {
  const checked: string[] = [];
  const asked: number[] = [];
  const outcome = await findPassing({
    total,
    original: ORIGINAL,
    ask: (count, round): Promise<Answer> => {
      asked.push(count);
      return Promise.resolve({ kind: 'texts', texts: (rounds[round] ?? []).slice(0, count) });
    },
    check: (text) => {
      checked.push(text);
      return Promise.resolve(check(text));
    },
    onTry: (number) => {
      // The nonsense is no candidate.
      assert.equal(number, checked.filter((text) => text !== NONSENSE && text !== ORIGINAL).length + 1);
    },
  });
  return { outcome, checked, asked };
}

const passes = (wanted: string) => (text: string) => (text === wanted ? passed : failed);

describe('findPassing', () => {
  it('takes the first that passes and tries no other', async () => {
    const { outcome, checked } = await search([['a', 'b', 'c']], passes('b'));
    assert.deepEqual(outcome, { kind: 'passed', text: 'b', number: 2, ms: 12, isTelling: true });
    assert.deepEqual(checked, ['a', 'b', NONSENSE]);
  });

  it('says when the check passes on anything', async () => {
    const { outcome } = await search([['a']], () => passed);
    assert.equal(outcome.kind === 'passed' && outcome.isTelling, false);
  });

  it('asks again until so many were tried, none of them twice', async () => {
    const rounds = [
      ['a', 'b', 'c', 'd'],
      ['a', 'e'],
      ['f', 'g', 'h', 'i'],
    ];
    const { outcome, checked, asked } = await search(rounds, passes('i'));
    assert.deepEqual(checked, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    assert.deepEqual(asked, [4, 4, 3]);
    assert.deepEqual(outcome, { kind: 'nonePassed', tried: 8, last: failed });
  });

  it('ends when the model repeats itself', async () => {
    const { outcome, asked } = await search([['a'], ['a'], ['a'], ['a'], ['b']], passes('b'));
    assert.equal(asked.length, 4);
    assert.deepEqual(outcome, { kind: 'nonePassed', tried: 1, last: failed });
  });

  it('says that the model has nothing', async () => {
    const { outcome, checked } = await search([], () => passed);
    assert.equal(outcome.kind === 'stopped' && outcome.by, 'model');
    assert.deepEqual(checked, []);
  });

  it('stops at a check that cannot be run, and on cancellation', async () => {
    const unusable = await search([['a', 'b']], () => ({ kind: 'unusable', reason: 'no pytest' }));
    assert.deepEqual(unusable.outcome, { kind: 'stopped', by: 'check', reason: 'no pytest' });
    const cancelled = await search([['a', 'b']], () => ({ kind: 'cancelled' }));
    assert.deepEqual(cancelled.outcome, { kind: 'cancelled' });
    assert.deepEqual(cancelled.checked, ['a']);
  });

  it('tells a check that is missing from a command that a candidate calls', async () => {
    const missing: CheckResult = {
      kind: 'failed',
      because: { kind: 'exit', code: process.platform === 'win32' ? 9009 : 127 },
      ms: 5,
      output: 'x.sh: line 1\nfrobnicate: command not found\n',
    };
    const ofCandidate = await search([['a', 'b', 'c']], (text) =>
      text === 'c' ? passed : text === ORIGINAL ? failed : missing,
    );
    assert.equal(ofCandidate.outcome.kind === 'passed' && ofCandidate.outcome.text, 'c');
    assert.deepEqual(ofCandidate.checked, ['a', ORIGINAL, 'b', 'c', NONSENSE]);
    const ofCheck = await search([['a', 'b']], () => missing);
    const reason = 'frobnicate: command not found';
    assert.deepEqual(ofCheck.outcome, { kind: 'stopped', by: 'check', reason });
    assert.deepEqual(ofCheck.checked, ['a', ORIGINAL]);
  });

  it('stops when the model cannot be asked', async () => {
    const outcome = await findPassing({
      total: 8,
      original: ORIGINAL,
      ask: () => Promise.resolve({ kind: 'failed', reason: 'The document changed.' }),
      check: () => Promise.resolve(passed),
      onTry: () => undefined,
    });
    assert.deepEqual(outcome, { kind: 'stopped', by: 'model', reason: 'The document changed.' });
  });
});
