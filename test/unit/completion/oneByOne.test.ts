import assert from 'node:assert/strict';
import { CancellationSource, neverCancelled } from '../../../server/src/base/cancellation';
import type { Choose } from '../../../server/src/completion/holeChoice';
import type { Infiller } from '../../../server/src/completion/infiller';
import { infillOneByOne } from '../../../server/src/completion/oneByOne';
import type { InfillOutcome, InfillRequest } from '../../../server/src/inference/messages';
import { infillerOf, ScriptedModel } from './scriptedModel';

const request: InfillRequest = {
  language: 'typescript',
  segments: ['let a = ', ';\nlet b = ', ';\nlet c = ', ';\n'],
  mode: 'both',
  candidates: 1,
  temperature: 0,
  seed: 0,
};
const fills = ['one', 'two', 'three'];

const takeAll: Choose = (_, candidates) => Promise.resolve(candidates);

/** Chooses for holes that are asked for alone, and leaves what was filled jointly as it is. */
function alone(choose: (candidates: Parameters<Choose>[1]) => Awaited<ReturnType<Choose>>): Choose {
  return (segments, candidates) => Promise.resolve(segments.length > 2 ? candidates : choose(candidates));
}

/** The same infiller, and what it was asked. */
function overheard(infiller: Infiller): { infiller: Infiller; asked: InfillRequest[] } {
  const asked: InfillRequest[] = [];
  return {
    asked,
    infiller: {
      infill: (heard, cancellation, onProgress) => {
        asked.push(heard);
        return infiller.infill(heard, cancellation, onProgress);
      },
    },
  };
}

function filled(outcome: InfillOutcome): Extract<InfillOutcome, { kind: 'filled' }> {
  if (outcome.kind !== 'filled') assert.fail(JSON.stringify(outcome));
  return outcome;
}

describe('infillOneByOne', () => {
  it('asks for all holes, and then for each with the others as text', async () => {
    const { infiller, asked } = overheard(infillerOf(new ScriptedModel(...fills)));
    const sized = { ...request, maxTokens: [4, 5, 6] };
    const outcome = filled(await infillOneByOne(infiller, sized, takeAll, neverCancelled));
    assert.deepEqual(outcome.candidates[0]?.fills, fills);
    assert.deepEqual(
      asked.map(({ segments, maxTokens }) => ({ segments, maxTokens })),
      [
        { segments: request.segments, maxTokens: [4, 5, 6] },
        { segments: ['let a = ', ';\nlet b = two;\nlet c = three;\n'], maxTokens: 4 },
        { segments: ['let a = one;\nlet b = ', ';\nlet c = three;\n'], maxTokens: 5 },
        { segments: ['let a = one;\nlet b = two;\nlet c = ', ';\n'], maxTokens: 6 },
      ],
    );
  });

  it('shows the next hole what was chosen, and tells of it', async () => {
    const { infiller, asked } = overheard(infillerOf(new ScriptedModel(...fills)));
    const shout: Choose = alone(([best]) => [{ ...best!, fills: [best!.fills[0]!.toUpperCase()] }]);
    const told: string[] = [];
    const outcome = await infillOneByOne(infiller, request, shout, neverCancelled, (progress) => {
      told.push(progress.fills.join());
    });
    assert.deepEqual(filled(outcome).candidates[0]?.fills, ['ONE', 'TWO', 'THREE']);
    assert.equal(asked[3]?.segments[0], 'let a = ONE;\nlet b = TWO;\nlet c = ');
    assert.deepEqual(told.slice(-3), ['one,two,three', 'ONE,two,three', 'ONE,TWO,three']);
  });

  it('combines choices, likeliest first, and leaves out those that do not parse where others do', async () => {
    const infiller = infillerOf(new ScriptedModel(...fills));
    const choose: Choose = alone(([best]) => [
      { ...best!, fills: ['good'], score: -1, parses: true },
      { ...best!, fills: ['fair'], score: -3, parses: true },
      { ...best!, fills: ['broken'], score: -2, parses: false },
    ]);
    const outcome = filled(await infillOneByOne(infiller, request, choose, neverCancelled));
    const [best, second] = outcome.candidates;
    assert.deepEqual(best?.fills, ['good', 'good', 'good']);
    assert.deepEqual(best.score, -3);
    assert.equal(second?.fills.filter((fill) => fill === 'fair').length, 1);
    // Eight combinations, and behind them what was filled jointly.
    assert.deepEqual(outcome.candidates[8]?.fills, fills);
    assert.ok(outcome.candidates.every(({ score }, i) => score <= (outcome.candidates[i - 1]?.score ?? 0)));
    assert.ok(outcome.candidates.every((candidate) => !('parses' in candidate)));
  });

  it('keeps what was filled jointly where nothing is chosen, the model fails or the time is up', async () => {
    const model = new ScriptedModel(...fills);
    const nothing: Choose = () => Promise.resolve([]);
    const kept = await infillOneByOne(infillerOf(model), request, nothing, neverCancelled);
    assert.deepEqual(filled(kept).candidates[0]?.fills, fills);

    const failing = new ScriptedModel(...fills);
    failing.failsFrom = 2;
    const saved = await infillOneByOne(infillerOf(failing), request, takeAll, neverCancelled);
    assert.deepEqual(filled(saved).candidates[0]?.fills, fills);

    const { infiller, asked } = overheard(infillerOf(new ScriptedModel(...fills)));
    const hurried = { ...request, budgetMs: 0.001 };
    const late = await infillOneByOne(infiller, hurried, takeAll, neverCancelled);
    assert.deepEqual(filled(late).candidates[0]?.fills, fills);
    assert.equal(asked.length, 1);
  });

  it('asks once where there is one hole, where fills are drawn, and in other modes', async () => {
    for (const changes of [
      { segments: ['let a = ', ';\n'] },
      { temperature: 0.5 },
      { mode: 'diffusion' },
      { mode: 'ar' },
      { lengths: [1, 1, 1] },
    ] as const) {
      const { infiller, asked } = overheard(infillerOf(new ScriptedModel(...fills)));
      await infillOneByOne(infiller, { ...request, ...changes }, takeAll, neverCancelled);
      assert.equal(asked.length, 1, JSON.stringify(changes));
    }
  });

  it('is cancelled between holes', async () => {
    const source = new CancellationSource();
    const { infiller, asked } = overheard(infillerOf(new ScriptedModel(...fills)));
    const cancel: Choose = alone((candidates) => {
      source.cancel();
      return candidates;
    });
    const outcome = await infillOneByOne(infiller, request, cancel, source.token);
    assert.equal(outcome.kind, 'cancelled');
    assert.equal(asked.length, 2);
  });
});
