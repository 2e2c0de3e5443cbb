import assert from 'node:assert/strict';
import fc from 'fast-check';
import { autoregress } from '../../../server/src/diffusion/autoregress';
import { Canvas } from '../../../server/src/diffusion/canvas';
import { infill } from '../../../server/src/diffusion/infill';
import type { KvCache, StopPoll } from '../../../server/src/diffusion/model';
import { score } from '../../../server/src/diffusion/score';
import {
  type Filled,
  type InfillTask,
  meanConfidence,
  type ProgressReport,
} from '../../../server/src/diffusion/task';
import { encoded, HashModel, neverStop, tinyLayout as layout, tokensOf } from './hashModel';

const usual = {
  holes: 1,
  steps: 4,
  threshold: 0.9,
  hypotheses: 3,
  candidates: 1,
  temperature: 0,
  topP: 0.95,
  seed: 1,
};

/** A usual task with changes; each hole gets 6 tokens where nothing else is said. */
async function taskFor(model: HashModel, changes: Partial<InfillTask>): Promise<InfillTask> {
  const maxTokens = new Array<number>(changes.holes ?? usual.holes).fill(6);
  return { ...usual, maxTokens, context: await encoded(model), ...changes };
}

async function fill(
  model: HashModel,
  changes: Partial<InfillTask> = {},
  stop = neverStop,
  report?: ProgressReport,
): Promise<Filled | undefined> {
  return infill(model, await taskFor(model, changes), stop, report);
}

const tokens = (filled: Filled | undefined): number[][][] =>
  filled!.candidates.map((candidate) => candidate.fills.map((ids) => [...ids]));

const tasks = fc
  .record({
    holes: fc.integer({ min: 1, max: 3 }),
    steps: fc.integer({ min: 1, max: 6 }),
    candidates: fc.integer({ min: 1, max: 5 }),
    temperature: fc.constantFrom(0, 0.8),
    maxTokens: fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 3, maxLength: 3 }),
    seed: fc.nat(),
  })
  .map((task) => ({ ...task, maxTokens: task.maxTokens.slice(0, task.holes) }));

describe('infill', () => {
  it('fills every hole with text only, in no more passes than it may take', async () => {
    await fc.assert(
      fc.asyncProperty(tasks, fc.constantFrom(-3, 0, 3), async (task, endBias) => {
        const model = new HashModel(layout, endBias);
        const filled = await fill(model, task);
        assert.ok(filled!.steps <= task.steps);
        // Besides the first one there are the other steps and the scoring, each in at most three parts.
        assert.ok(model.passes <= 1 + 3 * filled!.steps);
        for (const candidate of filled!.candidates) {
          const { fills, complete, confidences } = candidate;
          assert.equal(fills.length, task.holes);
          assert.ok(fills.every((ids, hole) => ids.length <= task.maxTokens[hole]!));
          assert.ok(fills.every((ids) => ids.every((id) => id >= layout.firstText)));
          assert.equal(
            complete,
            fills.every((ids, hole) => ids.length < task.maxTokens[hole]!),
          );
          assert.deepEqual(confidences.map((hole) => hole.length), fills.map((ids) => ids.length)); // prettier-ignore
          for (const hole of confidences) assert.ok(hole.every((sure) => sure > 0 && sure <= 1));
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

  it('reads candidates once as long as they are alike', async () => {
    const seen: number[] = [];
    const model = new HashModel();
    const denoise = model.denoise.bind(model);
    model.denoise = (context, block) => {
      seen.push(block.rows);
      const rows = Array.from({ length: block.rows }, (_, row) =>
        block.ids.subarray(row * block.columns, (row + 1) * block.columns).join(),
      );
      assert.equal(new Set(rows).size, rows.length, 'a row is read twice');
      return denoise(context, block);
    };
    const changes = { temperature: 0.9, candidates: 5, lengths: [6], threshold: 2 };
    const filled = await fill(model, changes);
    // Masks of one length, what became of them in three more passes, and the scoring.
    assert.equal(seen[0], 1);
    assert.equal(seen.length, 5);
    for (const [i, candidate] of filled!.candidates.entries()) {
      // Alone in its pass, as the last of so many.
      const alone = await fill(new HashModel(), { ...changes, candidates: i + 1 });
      assert.deepEqual(alone!.candidates[i], candidate);
    }
  });

  it('tries as many lengths at temperature 0 as it is told', async () => {
    assert.equal(tokens(await fill(new HashModel())).length, 3);
    assert.equal(tokens(await fill(new HashModel(), { candidates: 5 })).length, 5);
    assert.equal(tokens(await fill(new HashModel(), { steps: 1 })).length, 1);
    assert.equal(tokens(await fill(new HashModel(), { steps: 1, candidates: 2 })).length, 3);
  });

  it('tries no empty hole, however few lengths there are', async () => {
    const filled = tokens(await fill(new HashModel(layout, 5), { maxTokens: [2], candidates: 5 }));
    assert.deepEqual(filled.map(([ids]) => ids!.length).sort(), [1, 2]); // prettier-ignore
  });

  it('gives each hole its own room', async () => {
    const filled = await fill(new HashModel(layout, -99), { holes: 3, maxTokens: [2, 9, 4] });
    assert.deepEqual(tokens(filled)[0]!.map((ids) => ids.length), [2, 9, 4]); // prettier-ignore
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

  it('decides tokens in every step where lengths are known', async () => {
    const model = new HashModel();
    const filled = await fill(model, { lengths: [6], steps: 3, threshold: 2 });
    assert.equal(filled!.steps, 3);
    // One more for the scoring.
    assert.equal(model.passes, 4);
  });

  it('needs no pass for holes that are empty', async () => {
    const filled = await fill(new HashModel(), { lengths: [0] });
    assert.equal(filled!.steps, 0);
    assert.equal(meanConfidence(filled!.candidates[0]!), 1);
  });

  it('shows the first candidate after each pass, and what is decided stays', async () => {
    await fc.assert(
      fc.asyncProperty(tasks, async (task) => {
        const seen: number[][][] = [];
        const filled = await fill(new HashModel(), task, neverStop, (fills) => {
          seen.push(fills.map((ids) => [...ids]));
        });
        // One pass is over before there is anything to show.
        assert.equal(seen.length, task.steps === 1 ? 0 : filled!.steps);
        if (seen.length === 0) return;
        assert.deepEqual(seen.at(-1), tokens(filled)[0]);
        assert.ok(seen[0]!.flat().every((id) => id === layout.mask));
        for (const [i, fills] of seen.slice(1).entries()) {
          for (const [at, id] of seen[i]!.flat().entries()) {
            if (id !== layout.mask) assert.equal(fills.flat()[at], id);
          }
        }
      }),
    );
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
    await fill(model, { holes: 3, candidates: 200, temperature: 1, maxTokens: [16, 16, 16] });
    assert.ok(model.largestBlock <= 128, `${model.largestBlock} tokens in one pass`);
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
    (await autoregress(model, { ...(await taskFor(model, changes)), context }, neverStop))!;

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
            candidate.fills.map((ids, hole) => ({
              length: ids.length,
              end: ids.length < task.maxTokens[hole]!,
              locked: new Map(ids.entries()),
            })),
          );
          assert.equal(candidate.complete, canvas.complete);
          const [logs] = (await score(model, context, [canvas], neverStop))!;
          const flat = (holes: readonly Float64Array[]): number[] => holes.flatMap((hole) => [...hole]);
          assert.deepEqual(flat(candidate.logProbabilities), flat(logs!));
          const sum = flat(logs!).reduce((total, value) => total + value, 0);
          assert.ok(Math.abs(candidate.score - sum) < 1e-9);
        }
      }),
    );
  });

  it('ends a hole where the whole of it is likeliest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 20, max: 39 }), { minLength: 1 }), async (ids) => {
        const model = new HashModel(layout, 2);
        const context = await encoded(model, ids);
        const { fills, complete } = (await read(model, context, {})).candidates[0]!;
        const endless = new HashModel(layout, -99_999);
        const [path] = (await read(endless, await encoded(endless, ids), {})).candidates[0]!.fills;
        const whole = Array.from({ length: path!.length - 1 }, (_, i) => {
          const locked = new Map(path!.subarray(0, i + 1).entries());
          return new Canvas(layout, context.length, [{ length: i + 1, end: true, locked }]);
        });
        const scores = (await score(model, context, whole, neverStop))!.map(([values]) =>
          values!.reduce((sum, value) => sum + value, 0),
        );
        const best = scores.indexOf(Math.max(...scores)) + 1;
        assert.deepEqual(fills[0], complete ? path!.subarray(0, best) : path);
      }),
      { numRuns: 50 },
    );
  });

  it('goes on behind the end of a hole as if it had read no further', async () => {
    let readTooFar = 0;
    for (let id = 20; id < 40; id++) {
      const model = new HashModel(layout, -1);
      const context = await encoded(model, [id]);
      const [candidate] = (await read(model, context, { holes: 2, maxTokens: [9, 9] })).candidates;
      const { fills, logProbabilities } = candidate!;
      const holes = fills.map((ids) => ({
        length: ids.length,
        end: ids.length < 9,
        locked: new Map(ids.entries()),
      }));
      const [scored] = (await score(model, context, [new Canvas(layout, context.length, holes)], neverStop))!;
      assert.deepEqual(logProbabilities, scored);
      readTooFar += Number(model.passes > fills[0]!.length + fills[1]!.length + 3);
    }
    assert.ok(readTooFar > 0);
  });

  it('takes one pass a token and one for the end where ends are drawn', async () => {
    const model = new HashModel(layout, 2);
    const changes = { holes: 3, maxTokens: [16, 16, 16], temperature: 1, candidates: 1 };
    const filled = await read(model, await encoded(model), changes);
    const [candidate] = filled.candidates;
    assert.equal(filled.steps, candidate!.fills.reduce((sum, ids) => sum + ids.length + 1, 0)); // prettier-ignore
    assert.equal(filled.steps, model.passes);
  });

  it('reads a candidate the same way alone and among others, however many rows the model takes', async () => {
    await fc.assert(
      fc.asyncProperty(tasks, fc.integer({ min: 1, max: 3 }), async (task, mostRows) => {
        const leads = [[25, 26, 27], [], [28]].map((lead) => Int32Array.from(lead));
        const changes = { ...task, maxTokens: task.maxTokens.map((most) => Math.min(most, 13)), leads };
        const [together, apart] = [new HashModel(layout, 1), new HashModel(layout, 1, mostRows)];
        const expected = await read(apart, await encoded(apart), changes);
        const found = await read(together, await encoded(together), changes);
        assert.deepEqual(found.candidates, expected.candidates);
        assert.equal(found.steps, together.passes);
        assert.ok(together.passes <= apart.passes);
      }),
    );
  });

  it('takes no more passes for many candidates than for the longest of them', async () => {
    const model = new HashModel(layout, 1);
    const task = { holes: 2, temperature: 1, candidates: 8 };
    const filled = await read(model, await encoded(model), task);
    // A hole that is full ends without being asked for its end.
    const passes = filled.candidates.map(({ fills }) =>
      fills.reduce((sum, ids) => sum + Math.min(ids.length + 1, 6), 0),
    );
    assert.equal(model.passes, Math.max(...passes));
  });

  it('goes several ways that begin with the likeliest tokens, as far as there are so many', async () => {
    const model = new HashModel(layout, 1);
    const context = await encoded(model);
    const ids = Int32Array.of(21, 25, 33);
    const openings = [{ ids, bare: undefined }];
    const { candidates } = await read(model, context, { openings, ways: 4 });
    const [first, second, third, none] = candidates;
    assert.deepEqual(first, (await read(model, context, { openings })).candidates[0]);
    const begun = [first, second, third].map((candidate) => candidate!.fills[0]![0]!);
    assert.deepEqual([...begun].sort(), [...ids]);
    const likelihoods = [first, second, third].map((candidate) => candidate!.logProbabilities[0]![0]!);
    assert.deepEqual(
      likelihoods,
      [...likelihoods].sort((a, b) => b - a),
    );
    assert.ok(!none!.complete && none!.fills[0]!.length === 0);
    // Each is read on as if it were the only one.
    const fork = { ids: Int32Array.of(begun[1]!), bare: undefined };
    const alone = (await read(model, context, { openings: [fork] })).candidates[0]!;
    assert.deepEqual(second!.fills, alone.fills);
  });

  it('turns off its ways where another token is nearly as likely, and reads on as if from there', async () => {
    let turned = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 20, max: 39 }), { minLength: 1 }), async (ids) => {
        const model = new HashModel(layout, 1);
        const context = await encoded(model, ids);
        const straight = (await read(model, context, { ways: 2 })).candidates;
        const all = (await read(model, context, { ways: 2, turnings: 3 })).candidates;
        assert.deepEqual(all.slice(0, 2), straight);
        const fills = all.map(({ fills }) => [...fills[0]!]);
        for (const [i, { fills, logProbabilities, complete }] of all.entries()) {
          const [fill] = fills;
          const locked = new Map(fill!.entries());
          const canvas = new Canvas(layout, context.length, [
            { length: fill!.length, end: complete, locked },
          ]);
          assert.deepEqual(logProbabilities, (await score(model, context, [canvas], neverStop))![0]);
          if (i >= 2) turned++;
        }
        // No way is gone twice, though two of them may end at the same place.
        const turnings = fills.slice(2);
        assert.equal(new Set(turnings.map(String)).size, turnings.length);
        assert.equal(context.length, ids.length);
      }),
      { numRuns: 50 },
    );
    assert.ok(turned > 50);
    const model = new HashModel(layout, 1);
    const context = await encoded(model);
    const busy = await read(model, context, {
      ways: 2,
      turnings: 3,
      affordable: () => 1,
    });
    assert.deepEqual(busy.candidates, (await read(model, context, { ways: 2 })).candidates);
  });

  it('reads nothing behind a beginning that is less likely than asked', async () => {
    let [whole, cut] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 20, max: 39 }), { minLength: 1 }),
        fc.constantFrom(0.001, 0.1, 0.3),
        async (ids, least) => {
          const model = new HashModel(layout, 3);
          const context = await encoded(model, ids);
          const all = (await read(model, context, {})).candidates[0]!;
          const { passes } = model;
          const sure = (await read(model, context, { least })).candidates[0]!;
          if (sure.complete) {
            assert.deepEqual(sure, all);
            whole++;
            return;
          }
          const [logs] = sure.logProbabilities;
          const reached = Math.exp(logs!.reduce((sum, value) => sum + value, 0));
          assert.ok(reached < least && reached / Math.exp(logs!.at(-1)!) >= least);
          assert.equal(sure.fills[0]!.length, logs!.length);
          assert.equal(model.passes - passes, logs!.length);
          // Where all of it ends earlier, what was read behind that end is sure all the same.
          const same = Math.min(sure.fills[0]!.length, all.fills[0]!.length);
          assert.deepEqual(sure.fills[0]!.subarray(0, same), all.fills[0]!.subarray(0, same));
          cut++;
        },
      ),
    );
    assert.ok(whole > 0 && cut > 0, `${whole} whole, ${cut} cut`);
  });

  it('answers with what it has read where there is no time for another pass', async () => {
    const model = new HashModel(layout, -99_999);
    const task = { holes: 2, maxTokens: [9, 9] };
    const all = (await read(model, await encoded(model), task)).candidates[0]!;
    for (const time of [1, 4, 12]) {
      const busy = new HashModel(layout, -99_999);
      const affordable = (): number => time - busy.passes;
      const filled = await read(busy, await encoded(busy), { ...task, affordable });
      assert.equal(filled.steps, time);
      assert.equal(filled.candidates[0]!.complete, false);
      const holes = all.fills.map((ids, hole) => [...ids.subarray(0, Math.max(0, time - 9 * hole))]);
      assert.deepEqual(tokens(filled)[0], holes);
    }
  });

  it('gives one hole alone the room of all', async () => {
    const model = new HashModel(layout, -99_999);
    const filled = await read(model, await encoded(model), { maxTokens: [1000] });
    assert.equal(filled.candidates[0]!.fills[0]!.length, layout.holeStride * 2 + layout.maxCanvas);
  });

  it('shows the first candidate token by token', async () => {
    const model = new HashModel(layout, 2);
    const task = await taskFor(model, { holes: 2, temperature: 1, candidates: 3 });
    const seen: number[][][] = [];
    const filled = await autoregress(model, task, neverStop, (fills) => {
      seen.push(fills.map((ids) => [...ids]));
    });
    const whole = tokens(filled)[0]!.flat();
    assert.deepEqual(seen.map((fills) => fills.flat()), whole.map((_, i) => whole.slice(0, i + 1))); // prettier-ignore
  });

  it('leaves the context as it was when stopped in the middle', async () => {
    const model = new HashModel(layout, -9);
    const task = await taskFor(model, {});
    let polls = 0;
    const stop: StopPoll = () => Promise.resolve(polls++ >= 3);
    assert.equal(await autoregress(model, task, stop), undefined);
    assert.equal(model.passes, 3);
    assert.equal(task.context.length, 4);
  });
});
