import assert from 'node:assert/strict';
import fc from 'fast-check';
import { autoregress } from '../../../server/src/diffusion/autoregress';
import { Canvas } from '../../../server/src/diffusion/canvas';
import { type Filled, infill, type InfillTask } from '../../../server/src/diffusion/infill';
import type { KvCache, StopPoll } from '../../../server/src/diffusion/model';
import { score } from '../../../server/src/diffusion/score';
import { encoded, HashModel, neverStop, tinyLayout as layout, tokensOf } from './hashModel';

const usual = {
  holes: 1,
  maxTokens: 6,
  steps: 4,
  threshold: 0.9,
  hypotheses: 3,
  candidates: 1,
  temperature: 0,
  topP: 0.95,
  seed: 1,
};

async function fill(
  model: HashModel,
  changes: Partial<InfillTask> = {},
  stop = neverStop,
): Promise<Filled | undefined> {
  return infill(model, { ...usual, context: await encoded(model), ...changes }, stop);
}

const tokens = (filled: Filled | undefined): number[][][] =>
  filled!.candidates.map((candidate) => candidate.fills.map((ids) => [...ids]));

const tasks = fc.record({
  holes: fc.integer({ min: 1, max: 3 }),
  steps: fc.integer({ min: 1, max: 6 }),
  candidates: fc.integer({ min: 1, max: 5 }),
  temperature: fc.constantFrom(0, 0.8),
  maxTokens: fc.integer({ min: 1, max: 16 }),
  seed: fc.nat(),
});

describe('infill', () => {
  it('fills every hole with text only, in no more passes than it may take', async () => {
    await fc.assert(
      fc.asyncProperty(tasks, fc.constantFrom(-3, 0, 3), async (task, endBias) => {
        const model = new HashModel(layout, endBias);
        const filled = await fill(model, task);
        assert.ok(filled!.steps <= task.steps);
        // The passes besides the steps are the one that scores.
        assert.ok(model.passes <= filled!.steps + 1);
        for (const { fills, complete, confidence } of filled!.candidates) {
          assert.equal(fills.length, task.holes);
          assert.ok(fills.every((ids) => ids.length <= task.maxTokens));
          assert.ok(fills.every((ids) => ids.every((id) => id >= layout.firstText)));
          assert.equal(
            complete,
            fills.every((ids) => ids.length < task.maxTokens),
          );
          assert.ok(confidence > 0 && confidence <= 1);
        }
      }),
    );
  });

  it('gives the same answer to the same seed', async () => {
    await fc.assert(
      fc.asyncProperty(tasks, async (task) => {
        assert.deepEqual(
          tokens(await fill(new HashModel(), task)),
          tokens(await fill(new HashModel(), task)),
        );
      }),
    );
  });

  it('draws a row the same way however many rows there are', async () => {
    const drawn = { temperature: 0.9, seed: 5, holes: 2 };
    const [few, many] = [await fill(new HashModel(), { ...drawn, candidates: 2 }), await fill(new HashModel(), { ...drawn, candidates: 6 })]; // prettier-ignore
    assert.deepEqual(tokens(few), tokens(many).slice(0, 2));
  });

  it('tries as many lengths at temperature 0 as it is told', async () => {
    assert.equal(tokens(await fill(new HashModel())).length, 3);
    assert.equal(tokens(await fill(new HashModel(), { candidates: 5 })).length, 5);
    assert.equal(tokens(await fill(new HashModel(), { steps: 1 })).length, 1);
    assert.equal(tokens(await fill(new HashModel(), { steps: 1, candidates: 2 })).length, 3);
  });

  it('keeps to lengths that are known', async () => {
    for (const steps of [1, 2, 4]) {
      const [candidate, ...others] = tokens(
        await fill(new HashModel(), { holes: 2, steps, lengths: [3, 0] }),
      );
      assert.deepEqual(candidate!.map((ids) => ids.length), [3, 0]); // prettier-ignore
      assert.deepEqual(others, []);
    }
  });

  it('needs no pass for holes that are empty', async () => {
    const filled = await fill(new HashModel(), { lengths: [0] });
    assert.equal(filled!.steps, 1);
    assert.equal(filled!.candidates[0]!.confidence, 1);
  });

  it('stops before whichever pass it is told to', async () => {
    const model = new HashModel();
    await fill(model, { threshold: 2 });
    const all = model.passes;
    for (let allowed = 0; allowed < all; allowed++) {
      const stopped = new HashModel();
      let polls = 0;
      const stop: StopPoll = () => Promise.resolve(polls++ >= allowed);
      assert.equal(await fill(stopped, { threshold: 2 }, stop), undefined);
      assert.equal(stopped.passes, allowed);
    }
  });

  it('bounds what one pass reads', async () => {
    const model = new HashModel();
    await fill(model, { holes: 3, candidates: 200, temperature: 1, maxTokens: 16 });
    assert.ok(model.largestBlock <= 1024, `${model.largestBlock} tokens in one pass`);
  });
});

describe('score', () => {
  it('is the same for one candidate alone and among others', async () => {
    const model = new HashModel();
    const context = await encoded(model);
    const canvases = [1, 5, 0, 3].map((length) => {
      const canvas = new Canvas(layout, context.length, [{ length, end: true }]);
      for (const column of canvas.maskedColumns()) canvas.write(column, 20 + column);
      return canvas;
    });
    const together = await score(model, context, canvases, neverStop);
    for (const [i, canvas] of canvases.entries()) {
      assert.deepEqual(await score(model, context, [canvas], neverStop), [together![i]]);
    }
  });
});

describe('autoregress', () => {
  const read = async (model: HashModel, context: KvCache, changes: Partial<InfillTask>): Promise<Filled> =>
    (await autoregress(model, { ...usual, context, ...changes }, neverStop))!;

  it('scores what it reads as the batch does, and leaves the context as it was', async () => {
    await fc.assert(
      fc.asyncProperty(tasks, fc.constantFrom(-3, 0, 3), async (task, endBias) => {
        const model = new HashModel(layout, endBias);
        const context = await encoded(model);
        const before = [...tokensOf(context)];
        const filled = await read(model, context, task);
        assert.deepEqual(tokensOf(context), before);
        assert.equal(filled.candidates.length, task.temperature > 0 ? task.candidates : 1);
        for (const candidate of filled.candidates) {
          const canvas = new Canvas(
            layout,
            context.length,
            candidate.fills.map((ids) => ({
              length: ids.length,
              end: ids.length < task.maxTokens,
              locked: new Map(ids.entries()),
            })),
          );
          const [expected] = (await score(model, context, [canvas], neverStop))!;
          assert.equal(candidate.complete, canvas.complete);
          assert.ok(Math.abs(candidate.score - expected!) < 1e-9);
        }
      }),
    );
  });

  it('takes one pass a token and one for the end', async () => {
    const model = new HashModel(layout, 2);
    const filled = await read(model, await encoded(model), { holes: 3, maxTokens: 16 });
    const [candidate] = filled.candidates;
    assert.equal(filled.steps, candidate!.fills.reduce((sum, ids) => sum + ids.length + 1, 0)); // prettier-ignore
    assert.equal(filled.steps, model.passes);
  });

  it('leaves the context as it was when stopped in the middle', async () => {
    const model = new HashModel(layout, -9);
    const context = await encoded(model);
    let polls = 0;
    const stop: StopPoll = () => Promise.resolve(polls++ >= 3);
    assert.equal(await autoregress(model, { ...usual, context }, stop), undefined);
    assert.equal(context.length, 4);
  });
});
