import assert from 'node:assert/strict';
import type { Asked } from '../../../bench/typing/replay';
import { summarise } from '../../../bench/typing/summary';
import type { Effort, OutcomeExplanation, OutcomeKind } from '../../../server/src/protocol';

function outcome(kind: OutcomeKind, effort?: Partial<Effort>): OutcomeExplanation {
  const nothing = {
    steps: 4,
    contextTokens: 400,
    reusedTokens: 400,
    chunks: 0,
    encodeMs: 0,
    denoiseMs: 0,
    rankMs: 0,
  };
  return {
    request: 'inlineCompletion',
    kind,
    reason: '',
    uri: 'file:///a',
    version: 1,
    at: 0,
    totalMs: 0,
    candidatesComputed: 0,
    candidatesOffered: 0,
    filters: [],
    ...(effort === undefined ? {} : { effort: { ...nothing, totalMs: 0, ...effort } }),
  };
}

function asked(rest: Partial<Asked>): Asked {
  const edit = { offset: 0, removed: 0, inserted: 'x', cursor: 1, place: 1, rest: '' };
  return { event: { kind: 'type', pauseMs: 0, ...edit }, answeredMs: 50, ...rest };
}

describe('summarise', () => {
  it('tells answered requests from superseded ones', () => {
    const replays = [
      [asked({ answeredMs: 20, outcome: outcome('cached') }), asked({ answeredMs: 900, stoppedMs: 5 })],
      [asked({ answeredMs: 40, outcome: outcome('failed') })],
    ];
    const { requests, answered, superseded, failed, latencyMs, fromCache } = summarise(replays, 1);
    assert.deepEqual([requests, answered, superseded, failed], [3, 2, 1, 1]);
    assert.deepEqual(latencyMs?.p50, 30);
    assert.equal(fromCache, 0.5);
  });

  it('counts what was known of contexts where the model was run', () => {
    const known = [400, 400, 300, 100].map((reusedTokens) =>
      asked({ outcome: outcome('filled', { reusedTokens, encodeMs: 1, denoiseMs: 8, rankMs: 2 }) }),
    );
    const { contextReused, tokensReused, contextTokens, modelMs, fromCache } = summarise([known], 1);
    assert.deepEqual([contextReused, tokensReused, contextTokens], [0.75, 0.75, 400]);
    assert.equal(modelMs?.p95, 11);
    assert.equal(fromCache, 0);
  });

  it('takes the longest pass for a step: one of several chunks, one of several steps, or the scoring', () => {
    const stops = [4, 11, 12].map((stoppedMs) => asked({ stoppedMs }));
    const stepOf = (effort: Partial<Effort>) => {
      const { stop } = summarise([[asked({ outcome: outcome('filled', effort) }), ...stops]], 1);
      return [stop.stepMs, rounded(stop.withinAStep)];
    };
    assert.deepEqual(stepOf({ denoiseMs: 40, steps: 4, rankMs: 3 }), [11, 0.67]);
    assert.deepEqual(stepOf({ denoiseMs: 4, steps: 4, rankMs: 3 }), [4, 0.33]);
    assert.deepEqual(stepOf({ encodeMs: 88, contextTokens: 500, reusedTokens: 0 }), [12, 1]);
  });

  it('has no figures of what did not happen', () => {
    const { latencyMs, fromCache, contextReused, tokensReused, stop, saved } = summarise([], 1);
    assert.deepEqual([latencyMs, fromCache, contextReused, tokensReused], [null, null, null, null]);
    assert.deepEqual(stop, { ms: null, stepMs: null, withinAStep: null });
    assert.deepEqual(saved, { characters: 0, accepted: 0, shown: 0, share: null });
  });
});

function rounded(share: number | null): number | null {
  return share === null ? null : Number(share.toFixed(2));
}
