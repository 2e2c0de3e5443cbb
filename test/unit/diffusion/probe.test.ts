import assert from 'node:assert/strict';
import type { KvCache, Logits, TokenBlock } from '../../../server/src/diffusion/model';
import { probeLengths } from '../../../server/src/diffusion/probe';
import type { InfillTask } from '../../../server/src/diffusion/task';
import { encoded, HashModel, neverStop, normalised, tinyLayout } from './hashModel';

const layout = { ...tinyLayout, holeStride: 160, maxCanvas: 128, canvasSizes: [16, 32, 64, 128] };

/** Ends hole 0 behind exactly so many tokens; the others behind their first one. */
class EndingAt extends HashModel {
  /** Columns of every pass. */
  readonly looks: number[] = [];

  constructor(private readonly length: number) {
    super(layout);
  }

  override async denoise(context: KvCache, block: TokenBlock): Promise<Logits> {
    this.looks.push(block.columns);
    const logits = await super.denoise(context, block);
    for (const [row, flat] of block.wanted.entries()) {
      const token = block.positions[flat]! - context.length;
      const isEnd = token === this.length || (token >= layout.holeStride && token % layout.holeStride === 1);
      logits[row * layout.vocabSize + layout.eoh] = isEnd ? 20 : -20;
    }
    return normalised(logits, layout.vocabSize);
  }
}

async function probe(length: number, changes: Partial<InfillTask> = {}) {
  const model = new EndingAt(length);
  const context = await encoded(model);
  const task = { context, holes: 1, maxTokens: [64], steps: 4, threshold: 1, hypotheses: 1, candidates: 1, temperature: 0, topP: 1, seed: 0, ...changes }; // prettier-ignore
  const found = await probeLengths(model, task, task.maxTokens, neverStop);
  return { looks: model.looks, laws: found!.distributions };
}

const likeliest = (law: Float64Array): number => law.indexOf(Math.max(...law));

describe('the probe of lengths', () => {
  const lead = Int32Array.from({ length: 10 }, () => 30);
  const cases: [name: string, length: number, changes: Partial<InfillTask>, looks: number[]][] = [
    ['a short hole', 9, {}, [17]],
    ['a hole that ends behind the first canvas', 20, {}, [17, 33]],
    ['a long hole', 50, {}, [17, 33, 65]],
    ['a hole that has no end within its limit', 90, {}, [17, 33, 65]],
    ['a hole with the beginning of its line', 9, { leads: [lead] }, [33]],
    ['a hole that may get few tokens', 3, { maxTokens: [5] }, [17]],
    ['two holes, one of them long', 20, { holes: 2, maxTokens: [64, 64] }, [34, 66]],
    ['two holes, one of them of few tokens', 9, { holes: 2, maxTokens: [64, 4] }, [34]],
    ['the block of a longer hole', 9, { block: { anchor: undefined, isLast: false } }, [65]],
  ];
  for (const [name, length, changes, expected] of cases) {
    it(`looks at as much as it takes: ${name}`, async () => {
      const { looks, laws } = await probe(length + (changes.leads === undefined ? 0 : lead.length), changes);
      assert.deepEqual(looks, expected);
      assert.equal(likeliest(laws[0]!), Math.min(length, changes.maxTokens?.[0] ?? 64));
      for (const law of laws) assert.ok(Math.abs(law.reduce((sum, p) => sum + p, 0) - 1) < 1e-6);
    });
  }

  it('stops before every look', async () => {
    for (let looks = 0; looks < 3; looks++) {
      const model = new EndingAt(50);
      const task = { context: await encoded(model), holes: 1, maxTokens: [64], steps: 4, threshold: 1, hypotheses: 1, candidates: 1, temperature: 0, topP: 1, seed: 0 }; // prettier-ignore
      let polls = 0;
      const stop = () => Promise.resolve(polls++ === looks);
      assert.equal(await probeLengths(model, task, [64], stop), undefined);
      assert.equal(model.looks.length, looks);
    }
  });
});
