import assert from 'node:assert/strict';
import { deferred, type Deferred, turn } from '../../../server/src/base/async';
import type { CancellationToken } from '../../../server/src/base/cancellation';
import type { InfillOutcome, ToWorker } from '../../../server/src/inference/messages';
import { RequestQueue } from '../../../server/src/inference/requestQueue';

const asked = (id: number): Extract<ToWorker, { type: 'infill' }> => ({
  type: 'infill',
  id,
  request: {
    language: 'typescript',
    segments: ['', ''],
    mode: 'diffusion',
    candidates: 1,
    temperature: 0,
    seed: 0,
  },
  progress: false,
});
const filled: InfillOutcome = {
  kind: 'filled',
  candidates: [],
  steps: 1,
  contextTokens: 1,
  reusedTokens: 0,
  chunks: 0,
  timings: { encodeMs: 0, denoiseMs: 0, rankMs: 0, totalMs: 0 },
};

describe('RequestQueue', () => {
  let started: { answer: Deferred<InfillOutcome>; token: CancellationToken }[];
  let answered: [id: number, kind: string][];
  let queue: RequestQueue;

  beforeEach(() => {
    started = [];
    answered = [];
    queue = new RequestQueue(
      (_asked, token) => {
        const answer = deferred<InfillOutcome>();
        started.push({ answer, token });
        return answer.promise;
      },
      (id, outcome) => answered.push([id, outcome.kind]),
    );
  });

  it('works on one request at a time, in order', async () => {
    queue.add(asked(1));
    queue.add(asked(2));
    assert.equal(started.length, 1);
    started[0]!.answer.resolve(filled);
    await turn();
    assert.equal(started.length, 2);
    started[1]!.answer.resolve(filled);
    await turn();
    assert.deepEqual(answered, [[1, 'filled'], [2, 'filled']]); // prettier-ignore
  });

  it('tells the request under way that it is cancelled', async () => {
    queue.add(asked(1));
    queue.cancel(1);
    assert.equal(started[0]!.token.isCancellationRequested, true);
    assert.deepEqual(answered, []);
    started[0]!.answer.resolve({ kind: 'cancelled' });
    await turn();
    assert.deepEqual(answered, [[1, 'cancelled']]); // prettier-ignore
  });

  it('never starts a request that was cancelled while it waited', async () => {
    queue.add(asked(1));
    queue.add(asked(2));
    queue.cancel(2);
    assert.deepEqual(answered, [[2, 'cancelled']]); // prettier-ignore
    started[0]!.answer.resolve(filled);
    await turn();
    assert.equal(started.length, 1);
  });

  it('goes on after an error, which is the outcome of that request', async () => {
    queue.add(asked(1));
    queue.add(asked(2));
    started[0]!.answer.reject(new Error('bad luck'));
    await turn();
    started[1]!.answer.resolve(filled);
    await turn();
    assert.deepEqual(answered, [[1, 'failed'], [2, 'filled']]); // prettier-ignore
  });

  it('does not mind a cancellation that comes too late', () => {
    queue.cancel(99);
    assert.deepEqual(answered, []);
  });
});
