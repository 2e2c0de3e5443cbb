import assert from 'node:assert/strict';
import fc from 'fast-check';
import { autoregress } from '../../../server/src/diffusion/autoregress';
import { readBothWays } from '../../../server/src/diffusion/bothReadings';
import { infill } from '../../../server/src/diffusion/infill';
import type { InfillTask } from '../../../server/src/diffusion/task';
import { encoded, HashModel, neverStop, tinyLayout } from './hashModel';

const fillsOf = (
  filled: { candidates: readonly { fills: readonly Int32Array[] }[] } | undefined,
): number[][][] => filled!.candidates.map(({ fills }) => fills.map((ids) => [...ids]));

describe('readBothWays', () => {
  const taskFor = async (model: HashModel, changes: Partial<InfillTask> = {}): Promise<InfillTask> => ({
    context: await encoded(model),
    holes: 1,
    maxTokens: Array.from({ length: changes.holes ?? 1 }, () => 9),
    steps: 3,
    threshold: 0.9,
    hypotheses: 3,
    candidates: 1,
    turnings: 6,
    temperature: 0,
    topP: 0.95,
    seed: 1,
    ...changes,
  });

  it('gives what denoising gives, and the paths of the twin that come to an end', async () => {
    let paths = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 20, max: 39 }), { minLength: 1 }), async (ids) => {
        const model = new HashModel(tinyLayout, 1);
        const task = { ...(await taskFor(model)), context: await encoded(model, ids) };
        const both = await readBothWays(model, task, neverStop);
        const denoised = fillsOf(await infill(model, task, neverStop));
        const twin = (await autoregress(model, { ...task, ways: 3 }, neverStop))!.candidates;
        const ended = fillsOf({ candidates: twin.filter(({ complete }) => complete) });
        assert.deepEqual(fillsOf(both), [...denoised, ...ended]);
        paths += ended.length;
      }),
      { numRuns: 40 },
    );
    assert.ok(paths > 0);
  });

  for (const [name, changes] of [
    ['several holes', { holes: 2 }],
    ['draws', { temperature: 1, candidates: 2 }],
    ['known lengths', { lengths: [3] }],
    ['no time for a path', { affordable: (tokens: number): number => (tokens === 3 ? 0 : 9) }],
  ] as const) {
    it(`only denoises for ${name}`, async () => {
      const model = new HashModel(tinyLayout, 1);
      const task = await taskFor(model, changes);
      const both = await readBothWays(model, task, neverStop);
      assert.deepEqual(fillsOf(both), fillsOf(await infill(model, task, neverStop)));
    });
  }

  it('stops on the path, too, and leaves the context as it was', async () => {
    const model = new HashModel(tinyLayout, -2);
    const task = await taskFor(model);
    await infill(model, task, neverStop);
    const denoising = model.passes;
    let polls = 0;
    const stop = (): Promise<boolean> => Promise.resolve(polls++ > denoising);
    assert.equal(await readBothWays(model, task, stop), undefined);
    assert.equal(task.context.length, 4);
  });
});
