import assert from 'node:assert/strict';
import { CancellationSource, neverCancelled } from '../../../server/src/base/cancellation';
import { Engine } from '../../../server/src/inference/engine';
import {
  type InfillOutcome,
  type InfillProgress,
  type InfillRequest,
  UNDECIDED,
} from '../../../server/src/inference/messages';
import { parseManifest } from '../../../server/src/runtime/manifest';
import { HashModel } from '../diffusion/hashModel';
import { manifestJson } from '../runtime/manifestFixture';
import { tokenizer } from '../tokenizer/shippedTokenizer';

const manifest = parseManifest(manifestJson());
const usual: InfillRequest = {
  language: 'typescript',
  segments: ['let a = ', ';\n'],
  mode: 'diffusion',
  maxTokens: 4,
  candidates: 1,
  temperature: 0,
  seed: 0,
};

function fill(changes: Partial<InfillRequest>): Promise<InfillOutcome> {
  const model = new HashModel(manifest.layout, 9);
  return new Engine(model, tokenizer, manifest).fill({ ...usual, ...changes }, neverCancelled);
}

describe('Engine', () => {
  it('answers in text, best first, each text once', async () => {
    for (const mode of ['diffusion', 'ar'] as const) {
      const outcome = await fill({ mode, candidates: 6, temperature: 1 });
      assert.equal(outcome.kind, 'filled');
      const scores = outcome.candidates.map(({ score }) => score);
      assert.deepEqual(scores, [...scores].sort((a, b) => b - a)); // prettier-ignore
      const texts = outcome.candidates.map(({ fills }) => JSON.stringify(fills));
      assert.equal(new Set(texts).size, texts.length);
    }
  });

  it('says how often each text was drawn', async () => {
    for (const mode of ['diffusion', 'ar'] as const) {
      const outcome = await fill({ mode, lengths: [1], maxTokens: 1, candidates: 64, temperature: 0.1 });
      assert.equal(outcome.kind, 'filled');
      const draws = outcome.candidates.map((candidate) => candidate.draws);
      assert.ok(draws.length > 1 && draws.length < 64);
      assert.equal(
        draws.reduce((total, times) => total + times, 0),
        64,
      );
    }
  });

  it('fills more holes than one context takes, in one answer', async () => {
    const outcome = await fill({ segments: Array.from({ length: 12 }, (_, i) => `${i}, `), maxTokens: 2 });
    assert.equal(outcome.kind, 'filled');
    assert.equal(outcome.candidates[0]!.fills.length, 11);
  });

  it('shares known lengths out among the contexts', async () => {
    const lengths = [1, 0, 1, 0, 1, 0, 1, 0, 1, 0];
    const outcome = await fill({ segments: Array.from({ length: 11 }, (_, i) => `${i}, `), lengths });
    assert.equal(outcome.kind, 'filled');
    assert.deepEqual(
      outcome.candidates[0]!.fills.map((text) => (text === '' ? 0 : 1)),
      lengths,
    );
  });

  it('says where each candidate is uncertain', async () => {
    // The likeliest of thousands of hashes is never likely.
    const outcome = await fill({ segments: ['a = ', '; b = ', ';\n'], candidates: 3, temperature: 1 });
    assert.equal(outcome.kind, 'filled');
    for (const { fills, uncertain } of outcome.candidates) {
      if (fills.some((text) => text.includes('\ufffd'))) continue;
      assert.deepEqual(uncertain, fills.map((text) => (text === '' ? [] : [{ start: 0, end: text.length }]))); // prettier-ignore
    }
  });

  it('shows all holes of the request while it fills some of them', async () => {
    for (const mode of ['diffusion', 'ar'] as const) {
      const seen: InfillProgress[] = [];
      const segments = Array.from({ length: 12 }, (_, i) => `${i}, `);
      const model = new HashModel(manifest.layout, -9);
      const outcome = await new Engine(model, tokenizer, manifest).fill(
        { ...usual, segments, mode, maxTokens: 3 },
        neverCancelled,
        (progress) => seen.push(progress),
      );
      assert.equal(outcome.kind, 'filled');
      assert.ok(seen.length > 0);
      for (const { fills } of seen) assert.equal(fills.length, 11);
      const [first] = seen;
      if (mode === 'diffusion') assert.equal(first!.fills[0], UNDECIDED.repeat(3));
      assert.equal(first!.fills[10], '');
    }
  });

  it('is cancelled by a message that arrives while it reports', async () => {
    const source = new CancellationSource();
    const outcome = await new Engine(new HashModel(manifest.layout, -9), tokenizer, manifest).fill(
      { ...usual, maxTokens: 128, steps: 64 },
      source.token,
      () => setImmediate(() => source.cancel()),
    );
    assert.deepEqual(outcome, { kind: 'cancelled' });
  });

  it('cuts a wish for ten thousand tokens down to what a canvas holds', async () => {
    const outcome = await fill({ maxTokens: 10_000, steps: 2 });
    assert.equal(outcome.kind, 'filled');
  });

  it('gives ten thousand tokens no more than the longest fill, in both modes', async () => {
    for (const mode of ['diffusion', 'ar'] as const) {
      const model = new HashModel(manifest.layout, -99_999);
      const engine = new Engine(model, tokenizer, manifest);
      const outcome = await engine.fill({ ...usual, mode, maxTokens: 10_000, steps: 1 }, neverCancelled);
      assert.equal(outcome.kind, 'filled');
      const [candidate] = outcome.candidates;
      assert.equal(candidate!.complete, false);
      // No token of text is longer than that.
      assert.ok(candidate!.fills[0]!.length <= 512 * 64);
      assert.ok(mode === 'diffusion' || outcome.steps === 512, `${outcome.steps} tokens`);
    }
  });

  for (const wrong of [NaN, Infinity]) {
    it(`says that logits are ${wrong}, and forgets what it read`, async () => {
      for (const mode of ['diffusion', 'ar'] as const) {
        const model = new HashModel(manifest.layout, 9);
        model.spoil = wrong;
        const engine = new Engine(model, tokenizer, manifest);
        const answer = engine.fill({ ...usual, mode }, neverCancelled);
        await assert.rejects(answer, /expected finite logits, but the model gave NaN or infinity/);
        assert.equal(model.forgotten, 1);
        model.spoil = undefined;
        assert.equal((await engine.fill({ ...usual, mode }, neverCancelled)).kind, 'filled');
        assert.equal(model.forgotten, 1);
      }
    });
  }

  const faults: [changes: Partial<InfillRequest>, reason: RegExp][] = [
    [{ segments: ['no hole'] }, /segments: expected at least 2 texts around at least 1 hole, got 1/],
    [{ candidates: 0 }, /candidates: expected a whole number from 1 to 256, got 0/],
    [{ temperature: NaN }, /temperature: expected a number from 0 to 100, got NaN/],
    [{ steps: 1.5 }, /steps: expected a whole number from 1 to 1024, got 1.5/],
    [{ seed: -1 }, /seed: expected a whole number/],
    [{ least: 40 }, /least: expected a number from 0 to 1, got 40/],
    [{ topP: 2 }, /topP: expected a number from 0 to 1, got 2/],
    [{ lengths: [1, 2] }, /lengths: expected 1, one a hole, got 2/],
    [{ maxTokens: [3, 4] }, /maxTokens: expected 1, one a hole, got 2/],
    [{ maxTokens: [0] }, /maxTokens\[0\]: expected a whole number from 1/],
    [{ lengths: [500] }, /lengths\[0\]: expected a whole number from 0 to 128, got 500/],
  ];
  for (const [changes, reason] of faults) {
    it(`refuses ${JSON.stringify(changes)}`, async () => {
      const outcome = await fill(changes);
      assert.equal(outcome.kind, 'failed');
      assert.match(outcome.reason, reason);
    });
  }

  it('is cancelled by a message that arrives between two passes', async () => {
    const model = new HashModel(manifest.layout, -9);
    const source = new CancellationSource();
    const answer = new Engine(model, tokenizer, manifest).fill(
      { ...usual, mode: 'ar', maxTokens: 128 },
      source.token,
    );
    // A message is a macrotask of its own, as this one: it must get its turn although the engine is busy.
    setImmediate(() => setImmediate(() => source.cancel()));
    assert.deepEqual(await answer, { kind: 'cancelled' });
    assert.ok(model.passes < 10, `${model.passes} passes were made`);
  });
});
