import assert from 'node:assert/strict';
import fc from 'fast-check';
import { autoregress } from '../../../server/src/diffusion/autoregress';
import type { KvCache, KvRows, Logits, TokenBlock } from '../../../server/src/diffusion/model';
import type { InfillTask } from '../../../server/src/diffusion/task';
import { draftAndVerify } from '../../../server/src/diffusion/verify';
import { encoded, HashModel, neverStop, normalised, tinyLayout as layout, tokensOf } from './hashModel';

async function taskFor(model: HashModel, changes: Partial<InfillTask> = {}): Promise<InfillTask> {
  return {
    context: await encoded(model),
    holes: 1,
    maxTokens: [12],
    steps: 1,
    threshold: 1,
    hypotheses: 1,
    candidates: 1,
    temperature: 0,
    topP: 1,
    seed: 0,
    ...changes,
  };
}

/** Says what the position says, in both readings; its drafts are wrong at every so many positions. */
class Foresighted extends HashModel {
  constructor(
    private readonly bias = -20,
    private readonly wrongEvery = Infinity,
  ) {
    super();
  }

  private say({ wanted, positions }: TokenBlock, shift: (position: number) => number): Logits {
    const { vocabSize, eoh } = layout;
    const logits = new Float32Array(wanted.length * vocabSize);
    for (const [w, flat] of wanted.entries()) {
      const position = positions[flat]!;
      for (let id = 0; id < vocabSize; id++) {
        const said = id === eoh ? id : id + shift(position);
        logits[w * vocabSize + id] =
          ((position * 7919 + said * 104729) % 97) / 12 + (id === eoh ? this.bias : 0);
      }
    }
    return normalised(logits, vocabSize);
  }

  override async denoise(context: KvCache, block: TokenBlock): Promise<Logits> {
    await super.denoise(context, block);
    return this.say(block, (position) => Number(position % this.wrongEvery === 0));
  }

  override async extend(context: KvCache, block: TokenBlock): Promise<Logits> {
    await super.extend(context, block);
    return this.say(block, () => 0);
  }

  override async extendRows(rows: KvRows, block: TokenBlock, counts: Int32Array): Promise<Logits> {
    await super.extendRows(rows, block, counts);
    return this.say(block, () => 0);
  }
}

describe('draft and verify', () => {
  it('gives what reading token by token gives, whatever is drafted', async () => {
    const cases = fc.record({
      wrongEvery: fc.option(fc.integer({ min: 2, max: 6 })),
      endBias: fc.integer({ min: -6, max: 8 }),
      maxTokens: fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 3 }),
      lead: fc.array(fc.integer({ min: 20, max: 39 }), { maxLength: 3 }),
      opening: fc.option(fc.uniqueArray(fc.integer({ min: 20, max: 39 }), { minLength: 1, maxLength: 4 })),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ wrongEvery, endBias, maxTokens, lead, opening }) => {
        const model =
          wrongEvery === null ? new HashModel(layout, endBias) : new Foresighted(endBias - 4, wrongEvery);
        const leads = [Int32Array.from(lead), ...maxTokens.slice(1).map(() => new Int32Array())];
        const holes = maxTokens.length;
        const openings = opening === null ? [] : [{ ids: Int32Array.from(opening).sort(), bare: opening[0] }];
        const task = await taskFor(model, { holes, maxTokens, leads, openings });
        const read = (await autoregress(model, task, neverStop))!;
        const verified = (await draftAndVerify(model, task, neverStop))!;
        assert.deepEqual(verified.candidates, read.candidates);
        assert.equal(tokensOf(task.context).length, 4, 'the context is left as it was');
        assert.ok(
          verified.steps <= holes + 1.5 * read.steps,
          `${verified.steps} passes against ${read.steps}`,
        );
      }),
    );
  });

  it('takes few passes where drafts are right', async () => {
    const model = new Foresighted();
    const task = await taskFor(model, { maxTokens: [14] });
    const { candidates, steps } = (await draftAndVerify(model, task, neverStop))!;
    assert.equal(candidates[0]!.fills[0]!.length, 14);
    // 3 drafted, and one said by the pass that checks them; then 6; then 2 and the last.
    assert.equal(steps, 6);
  });

  it('shows what is kept, more from pass to pass', async () => {
    const shown: number[] = [];
    const task = await taskFor(new Foresighted(), { maxTokens: [14] });
    await draftAndVerify(new Foresighted(), task, neverStop, ([fill]) => shown.push(fill!.length));
    assert.deepEqual(shown, [4, 11, 14]);
  });

  it('stops before a pass, and leaves the context as it was', async () => {
    const model = new HashModel(layout, -6);
    const task = await taskFor(model);
    for (let passes = 0; passes < 4; passes++) {
      let polls = 0;
      model.passes = 0;
      assert.equal(await draftAndVerify(model, task, () => Promise.resolve(polls++ >= passes)), undefined);
      assert.equal(model.passes, passes);
      assert.equal(tokensOf(task.context).length, 4);
    }
  });

  it('refuses to draw: there is one answer to check against', async () => {
    const model = new HashModel();
    const task = await taskFor(model, { temperature: 0.5 });
    await assert.rejects(draftAndVerify(model, task, neverStop), /Expected temperature 0, got 0.5/);
  });
});
