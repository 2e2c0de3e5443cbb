import assert from 'node:assert/strict';
import { planCases } from '../../../bench/engine/cases';
import { parseManifest } from '../../../server/src/runtime/manifest';
import { manifestJson } from '../runtime/manifestFixture';

function manifest(contextLength: number) {
  const json = manifestJson();
  const model = json['model'] as Record<string, number>;
  Object.assign(model, { contextLength, maxPosition: contextLength + 8 * 160 });
  return parseManifest(json);
}

describe('planCases', () => {
  it('takes every size that the model allows', () => {
    const { encode, fills, steps, append, joint, candidates, leftOut } = planCases(manifest(2048), false);
    assert.deepEqual(encode, [512, 1024, 2048]);
    assert.equal(fills.length, 3 * 4);
    assert.deepEqual(steps, [1, 2, 4, 8]);
    assert.deepEqual(append, { tokens: 4, context: 1024 });
    assert.deepEqual(joint, { holes: 4, hole: 32, context: 1024, candidates: 1 });
    assert.deepEqual(candidates.map((size) => size.candidates), [1, 8, 32]); // prettier-ignore
    assert.deepEqual(leftOut, []);
  });

  it('says what the model does not allow', () => {
    const { encode, fills, append, leftOut } = planCases(manifest(1024), false);
    assert.deepEqual(encode, [512, 1024]);
    assert.ok(fills.every(({ context }) => context <= 1024));
    // What is appended must still fit.
    assert.deepEqual(append, { tokens: 4, context: 1020 });
    assert.deepEqual(leftOut, ['contexts of 2048 tokens: the model takes at most 1024']);
  });

  it('measures a model with a short context with what it takes', () => {
    const { encode, leftOut } = planCases(manifest(192), false);
    assert.deepEqual(encode, [192]);
    assert.equal(leftOut.length, 3);
  });

  it('takes one small case of each kind where it shall be quick', () => {
    const { encode, fills, steps, candidates } = planCases(manifest(2048), true);
    assert.deepEqual(encode, [512]);
    assert.deepEqual(fills, [{ holes: 1, hole: 16, context: 512, candidates: 1 }]);
    assert.deepEqual(steps, [2]);
    assert.equal(candidates.length, 2);
  });
});
