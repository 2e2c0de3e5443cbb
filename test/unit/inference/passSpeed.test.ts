import assert from 'node:assert/strict';
import { neverCancelled } from '../../../server/src/base/cancellation';
import type { KvCache, Logits, TokenBlock } from '../../../server/src/diffusion/model';
import { Engine } from '../../../server/src/inference/engine';
import type { InfillRequest } from '../../../server/src/inference/messages';
import { PassSpeed } from '../../../server/src/inference/passSpeed';
import { parseManifest } from '../../../server/src/runtime/manifest';
import { HashModel } from '../diffusion/hashModel';
import { manifestJson } from '../runtime/manifestFixture';
import { tokenizer } from '../tokenizer/shippedTokenizer';

describe('PassSpeed', () => {
  it('knows nothing before the first pass', () => {
    assert.equal(new PassSpeed().msFor(64), undefined);
  });

  it('takes the median of passes of this size', () => {
    const speed = new PassSpeed();
    for (const ms of [10, 900, 12]) speed.add(60, ms);
    speed.add(200, 50);
    assert.equal(speed.msFor(64), 12);
    assert.equal(speed.msFor(129), 50);
  });

  it('forgets how fast the machine was long ago', () => {
    const speed = new PassSpeed();
    for (let i = 0; i < 100; i++) speed.add(64, 10);
    for (let i = 0; i < 15; i++) speed.add(64, 80);
    assert.equal(speed.msFor(64), 80);
  });

  it('takes a smaller pass for less work, and a larger one for no less', () => {
    const speed = new PassSpeed();
    speed.add(32, 10);
    assert.equal(speed.msFor(128), 40);
    assert.equal(speed.msFor(8), 10);
  });
});

/** A model whose passes take as long as a script says, on a clock of its own. */
class ScriptedLatency extends HashModel {
  time = 0;

  constructor(private readonly msPerPass: () => number) {
    super(manifest.layout, -9);
  }

  override denoise(context: KvCache, block: TokenBlock): Promise<Logits> {
    this.time += this.msPerPass();
    return super.denoise(context, block);
  }
}

const manifest = parseManifest(manifestJson());

describe('steps within a budget', () => {
  const request: InfillRequest = {
    language: 'typescript',
    segments: ['let a = ', ';\n'],
    mode: 'diffusion',
    maxTokens: 16,
    candidates: 1,
    temperature: 0,
    seed: 0,
    steps: 16,
  };

  /** The steps of several requests, one after the other. */
  async function stepsOf(
    msPerPass: () => number,
    requests: readonly Partial<InfillRequest>[],
  ): Promise<number[]> {
    const model = new ScriptedLatency(msPerPass);
    const engine = new Engine(model, tokenizer, manifest, { now: () => model.time });
    const steps: number[] = [];
    for (const changes of requests) {
      const outcome = await engine.fill({ ...request, threshold: 2, ...changes }, neverCancelled);
      assert.equal(outcome.kind, 'filled');
      steps.push(outcome.steps);
      if (changes.budgetMs !== undefined && changes.budgetMs >= 4 * msPerPass()) {
        assert.ok(outcome.timings.totalMs <= changes.budgetMs, `${outcome.timings.totalMs} ms`);
      }
    }
    return steps;
  }

  const budget = { budgetMs: 400 };

  it('are all that are wanted on a fast machine', async () => {
    assert.deepEqual(await stepsOf(() => 2, [budget, budget]), [16, 16]);
  });

  it('are as many as fit on a slow one, ranking included', async () => {
    // Eight rows of sixteen tokens cost no more here than the one of the first pass.
    assert.deepEqual((await stepsOf(() => 40, [budget, budget])).at(-1), 9);
  });

  it('are two at least: one finds the lengths', async () => {
    assert.deepEqual((await stepsOf(() => 5_000, [budget, budget])).at(-1), 2);
  });

  it('follow the machine as it gets slower and faster', async () => {
    let ms = 4;
    const passes = (slower: number): Partial<InfillRequest>[] => {
      ms = slower;
      return new Array<Partial<InfillRequest>>(12).fill(budget);
    };
    const speeds = [4, 100, 4];
    let calls = 0;
    const requests = speeds.flatMap((speed) => passes(speed));
    const model = new ScriptedLatency(() => ms);
    const engine = new Engine(model, tokenizer, manifest, { now: () => model.time });
    const steps: number[] = [];
    for (const changes of requests) {
      ms = speeds[Math.floor(calls++ / 12)]!;
      const outcome = await engine.fill({ ...request, threshold: 2, ...changes }, neverCancelled);
      assert.equal(outcome.kind, 'filled');
      steps.push(outcome.steps);
    }
    assert.deepEqual([steps[11], steps[23], steps[35]], [16, 3, 16]);
  });

  it('are what was asked for where there is no budget', async () => {
    assert.deepEqual(await stepsOf(() => 5_000, [{ steps: 5 }, { steps: 5 }]), [5, 5]);
  });
});
