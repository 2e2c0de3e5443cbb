import assert from 'node:assert/strict';
import type { MaskedDiffusionModel, TokenBlock } from '../../../server/src/diffusion/model';
import type { Lead } from '../../../server/src/inference/lead';
import { likeliestLead } from '../../../server/src/inference/likeliestLead';

const VOCAB = 8;
const FILL = 1;

/** A model that says so much of the next token behind so many tokens of a block; what is not said is hardly possible. */
function modelSaying(probabilities: readonly Readonly<Record<number, number>>[]): {
  model: MaskedDiffusionModel;
  blocks: TokenBlock[];
} {
  const blocks: TokenBlock[] = [];
  const model = {
    layout: { vocabSize: VOCAB, pad: 0, fill: [FILL] },
    denoise: (_context: unknown, block: TokenBlock) => {
      blocks.push(block);
      const logits = new Float32Array(block.wanted.length * VOCAB).fill(Math.log(1e-6));
      for (const [row, column] of block.wanted.entries())
        for (const [id, probability] of Object.entries(probabilities[column] ?? {}))
          logits[row * VOCAB + Number(id)] = Math.log(probability);
      return Promise.resolve(logits);
    },
  };
  return { model: model as unknown as MaskedDiffusionModel, blocks };
}

function lead(ids: readonly number[], opening: string, first?: readonly number[], bare?: number): Lead {
  const allowed = first && { ids: Int32Array.from(first), bare };
  return { ids: Int32Array.from(ids), opening, first: allowed, others: [] };
}

describe('likeliestLead', () => {
  // Behind 2 comes 5 or 6, which begin with " lead", or 3 and 4, which say it; 7 is "ading".
  const whole = lead([2], ' lead', [5, 6]);
  const parts = lead([2, 3], 'ad', [4, 7], 4);
  const context = { length: 10 };

  async function chosen(probabilities: readonly Readonly<Record<number, number>>[]): Promise<Lead> {
    return likeliestLead(modelSaying(probabilities).model, context, { ...whole, others: [parts] });
  }

  it('is the one whose tokens are likeliest together, with its share of all', async () => {
    const longer = await chosen([{}, { 5: 0.2, 6: 0.1, 3: 0.5 }, { 4: 0.1, 7: 0.1 }]);
    assert.equal(longer.opening, ' lead');
    assert.ok(Math.abs(Math.exp(longer.first?.logShare ?? 0) - 0.3 / 0.4) < 1e-4);
    const shorter = await chosen([{}, { 5: 0.02, 3: 0.5 }, { 4: 0.5, 7: 0.1 }]);
    assert.equal(shorter.opening, 'ad');
    assert.ok(Math.abs(Math.exp(shorter.first?.logShare ?? 0) - 0.3 / 0.32) < 1e-4);
  });

  it('is found in one causal pass behind the context', async () => {
    const { model, blocks } = modelSaying([]);
    await likeliestLead(model, context, { ...whole, others: [parts] });
    assert.equal(blocks.length, 1);
    assert.deepEqual([...blocks[0]!.ids], [FILL, 2, 3]);
    assert.deepEqual([...blocks[0]!.positions], [10, 11, 12]);
    assert.deepEqual([...blocks[0]!.order], [0, 1, 2]);
    assert.deepEqual([...blocks[0]!.wanted], [1, 2]);
  });

  it('asks nobody where there is one only', async () => {
    const { model, blocks } = modelSaying([]);
    assert.equal(await likeliestLead(model, context, whole), whole);
    assert.equal(blocks.length, 0);
  });

  it('fails where the model says no numbers', async () => {
    await assert.rejects(chosen([{}, { 3: NaN }]), /expected finite logits/);
  });
});
