import assert from 'node:assert/strict';
import { Endless } from '../../../bench/engine/endless';
import { autoregress } from '../../../server/src/diffusion/autoregress';
import { HashModel, tinyLayout } from '../diffusion/hashModel';

describe('Endless', () => {
  const lengths = async (model: HashModel | Endless): Promise<number[]> => {
    const goOn = () => Promise.resolve(false);
    const { cache } = (await model.encode(Int32Array.of(20, 21, 22), goOn))!;
    const task = { holes: 2, maxTokens: [9, 9], steps: 1, threshold: 1, hypotheses: 1, candidates: 1 };
    const drawn = { temperature: 0, topP: 1, seed: 0 };
    const filled = await autoregress(model, { context: cache, ...task, ...drawn }, goOn);
    return filled!.candidates[0]!.fills.map((fill) => fill.length);
  };

  it('writes as many tokens as it may where the model would end', async () => {
    const eager = new HashModel(tinyLayout, 100);
    assert.deepEqual(await lengths(eager), [1, 1]);
    assert.deepEqual(await lengths(new Endless(eager)), [9, 9]);
  });
});
