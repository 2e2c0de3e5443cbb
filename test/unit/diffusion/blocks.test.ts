import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fillBlocks, isForBlocks } from '../../../server/src/diffusion/blocks';
import { Canvas } from '../../../server/src/diffusion/canvas';
import type { KvCache, Logits, StopPoll, TokenBlock } from '../../../server/src/diffusion/model';
import { score } from '../../../server/src/diffusion/score';
import type { Filled, InfillTask, ProgressReport } from '../../../server/src/diffusion/task';
import { encoded, HashModel, neverStop, normalised, tinyLayout as layout, tokensOf } from './hashModel';

async function taskFor(model: HashModel, changes: Partial<InfillTask> = {}): Promise<InfillTask> {
  return {
    context: await encoded(model),
    holes: 1,
    maxTokens: [40],
    steps: 3,
    threshold: 0.9,
    hypotheses: 3,
    candidates: 1,
    temperature: 0,
    topP: 0.95,
    seed: 1,
    ...changes,
  };
}

async function fill(
  model: HashModel,
  changes: Partial<InfillTask> = {},
  stop: StopPoll = neverStop,
  report?: ProgressReport,
): Promise<Filled | undefined> {
  return fillBlocks(model, await taskFor(model, changes), stop, report);
}

/** Says the same tokens over and over, and never the end. */
class LoopingModel extends HashModel {
  override denoise(_context: KvCache, block: TokenBlock): Promise<Logits> {
    const logits = new Float32Array(block.wanted.length * layout.vocabSize);
    for (const [w, flat] of block.wanted.entries()) {
      logits[w * layout.vocabSize + layout.firstText + (block.positions[flat]! % 3)] = 30;
    }
    return Promise.resolve(normalised(logits, layout.vocabSize));
  }
}

describe('fillBlocks', () => {
  it('is for one hole that may outgrow a canvas', async () => {
    const model = new HashModel();
    const isFor = async (changes: Partial<InfillTask>): Promise<boolean> =>
      isForBlocks(await taskFor(model, changes), layout);
    assert.equal(await isFor({}), true);
    assert.equal(await isFor({ maxTokens: [layout.maxCanvas] }), false);
    assert.equal(await isFor({ holes: 2, maxTokens: [40, 40] }), false);
    assert.equal(await isFor({ lengths: [12] }), false);
  });

  it('fills up to the limit with what the causal reading scores alike, and leaves the context as it was', async () => {
    const tasks = fc.record({
      maxTokens: fc.integer({ min: 17, max: 60 }).map((most) => [most]),
      candidates: fc.integer({ min: 1, max: 4 }),
      temperature: fc.constantFrom(0, 0.8),
      steps: fc.integer({ min: 1, max: 4 }),
      seed: fc.nat(),
      leads: fc
        .array(fc.integer({ min: 20, max: 39 }), { maxLength: 5 })
        .map((ids) => [Int32Array.from(ids)]),
    });
    await fc.assert(
      fc.asyncProperty(tasks, fc.constantFrom(-99, -3, 0, 2), async (changes, endBias) => {
        const model = new HashModel(layout, endBias);
        const task = await taskFor(model, changes);
        const before = [...tokensOf(task.context)];
        const filled = (await fillBlocks(model, task, neverStop))!;
        assert.deepEqual(tokensOf(task.context), before);
        if (changes.temperature > 0) assert.equal(filled.candidates.length, changes.candidates);
        const [lead] = changes.leads;
        const limit = Math.min(changes.maxTokens[0]!, 56 - lead!.length);
        if (endBias === -99) assert.equal(filled.candidates[0]!.fills[0]!.length, limit);
        // The whole fill on one canvas, for a model that has one of that size.
        const wide = { ...layout, maxCanvas: 100, holeStride: 200 };
        const reader = new HashModel(wide, endBias);
        const context = await encoded(reader);
        for (const { fills, confidences, logProbabilities, complete, score: found } of filled.candidates) {
          const ids = fills[0]!;
          assert.ok(ids.length >= 1 && ids.length <= limit);
          assert.equal(confidences[0]!.length, ids.length);
          const hole = { lead: lead!, length: ids.length, end: complete, locked: new Map(ids.entries()) };
          const canvas = new Canvas(wide, context.length, [hole]);
          const [[read]] = (await score(reader, context, [canvas], neverStop))! as [[Float64Array]];
          assert.equal(logProbabilities[0]!.length, read.length);
          const expected = read.reduce((sum, value) => sum + value, 0);
          assert.ok(Math.abs(found - expected) < 1e-6, `${found} and ${expected}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('goes on from the last token, reads no token twice, and takes its steps for every block', async () => {
    const seen: TokenBlock[] = [];
    const model = new HashModel(layout, -99);
    const denoise = model.denoise.bind(model);
    model.denoise = (context, block) => {
      seen.push(block);
      return denoise(context, block);
    };
    const filled = (await fill(model, {
      maxTokens: [20],
      leads: [Int32Array.of(30, 31)],
      steps: 2,
      threshold: 2,
    }))!;
    const ids = [layout.fill[0]!, 30, 31, ...filled.candidates[0]!.fills[0]!];
    // Blocks of 6, 8 and 6 tokens; for each a probe, a pass and the scoring.
    const starts = seen.map((block) => [block.ids[0], block.positions[0]! - 4]);
    const expected = [0, 8, 16].map((at) => [ids[at], at]);
    assert.deepEqual(starts, expected.flatMap((start) => [start, start, start])); // prettier-ignore
    assert.equal(filled.steps, 6);
  });

  it('goes on where that is likelier than an end, and else takes an end', async () => {
    const [endless, short] = [await fill(new HashModel(layout, -3)), await fill(new HashModel(layout, 5))];
    assert.ok(endless!.candidates[0]!.fills[0]!.length > 8);
    assert.ok(short!.candidates.length > 1);
    for (const { fills, complete } of short!.candidates) assert.ok(complete && fills[0]!.length < 8);
  });

  it('stops before a block that only repeats what was said', async () => {
    const filled = (await fill(new LoopingModel()))!;
    const [candidate, ...others] = filled.candidates;
    assert.deepEqual(others, []);
    assert.equal(candidate!.complete, false);
    assert.equal(candidate!.fills[0]!.length, 8);
  });

  it('gives the same answer to the same seed, and each candidate its own way', async () => {
    const drawn = { temperature: 1, candidates: 3 };
    const tokens = (filled: Filled | undefined): number[][] =>
      filled!.candidates.map(({ fills }) => [...fills[0]!]);
    const first = tokens(await fill(new HashModel(layout, -99), drawn));
    assert.deepEqual(tokens(await fill(new HashModel(layout, -99), drawn)), first);
    assert.equal(new Set(first.map(String)).size, 3);
  });

  it('draws further candidates at temperature 0, which differ from the first block on', async () => {
    const tokens = (filled: Filled | undefined): number[][] =>
      filled!.candidates.map(({ fills }) => [...fills[0]!]);
    const alone = tokens(await fill(new HashModel(layout, -99)));
    const all = tokens(await fill(new HashModel(layout, -99), { candidates: 3 }));
    assert.equal(all.length, 3);
    assert.deepEqual(all[0], alone[0]);
    assert.equal(new Set(all.map((ids) => ids.slice(0, 8).join())).size, 3);
    assert.deepEqual(tokens(await fill(new HashModel(layout, -99), { candidates: 3 })), all);
  });

  it('leaves out candidates that there is no time for, but never the first', async () => {
    const changes = { candidates: 3, affordable: () => 1 };
    for (const temperature of [0, 0.8]) {
      const filled = await fill(new HashModel(layout, -99), { ...changes, temperature });
      assert.equal(filled!.candidates.length, 1);
    }
  });

  it('shows what is decided in all blocks so far', async () => {
    const seen: number[][] = [];
    const filled = await fill(new HashModel(layout, -99), {}, neverStop, ([ids]) => seen.push([...ids!]));
    const whole = [...filled!.candidates[0]!.fills[0]!];
    for (const ids of seen) {
      ids.forEach((id, i) => assert.ok(id === layout.mask || id === whole[i]));
    }
    assert.deepEqual(seen.at(-1), whole);
  });

  it('stops before whichever pass it is told to, and leaves the context as it was', async () => {
    const model = new HashModel(layout, -99);
    await fill(model);
    const all = model.passes;
    for (let allowed = 0; allowed < all; allowed++) {
      const stopped = new HashModel(layout, -99);
      const task = await taskFor(stopped);
      let polls = 0;
      assert.equal(await fillBlocks(stopped, task, () => Promise.resolve(polls++ >= allowed)), undefined);
      assert.equal(stopped.passes, allowed);
      assert.equal(task.context.length, 4);
    }
  });
});
