import assert from 'node:assert/strict';
import { join } from 'node:path';
import { CancellationSource, neverCancelled } from '../../../server/src/base/cancellation';
import { findHoleMarkers } from '../../../server/src/completion/holeMarkers';
import {
  fillJointly,
  type JointFillInput,
  type JointFillOutcome,
} from '../../../server/src/completion/jointFill';
import { SyntaxChecker } from '../../../server/src/completion/syntaxCheck';
import { infillerOf, ScriptedModel } from './scriptedModel';

const syntax = new SyntaxChecker(join(process.cwd(), 'dist/grammars'));

after(() => {
  syntax.dispose();
});

function inputOf(text: string, changes: Partial<JointFillInput> = {}): JointFillInput {
  return {
    language: 'typescript',
    text,
    holes: findHoleMarkers(text),
    candidates: 1,
    maxTokens: findHoleMarkers(text).map(({ size }) => size ?? 32),
    temperature: 0,
    seed: 0,
    dropUnchanged: false,
    ...changes,
  };
}

function fill(
  model: ScriptedModel,
  text: string,
  changes: Partial<JointFillInput> = {},
): Promise<JointFillOutcome> {
  return fillJointly(infillerOf(model), syntax, inputOf(text, changes), neverCancelled);
}

describe('fillJointly', () => {
  it('fills all holes jointly, and then each alone', async () => {
    const model = new ScriptedModel('a: number', 'a + 1');
    const outcome = await fill(model, 'function f(⟦⟧) {\n  return ⟦⟧;\n}\n');
    if (outcome.kind !== 'filled') assert.fail(JSON.stringify(outcome));
    assert.deepEqual(outcome.candidates[0]?.fills, ['a: number', 'a + 1']);
    assert.equal(outcome.candidates[0].parses, true);
    assert.equal(model.encodes, 3);
  });

  it('gives each hole no more tokens than its marker says', async () => {
    const long = 'alpha beta gamma delta epsilon zeta eta theta';
    const outcome = await fill(new ScriptedModel(long, long), 'f(⟦2⟧);\ng(⟦⟧);\n');
    if (outcome.kind !== 'filled') assert.fail(JSON.stringify(outcome));
    const [cut = '', whole] = outcome.candidates[0]?.fills ?? [];
    assert.equal(whole, long);
    assert.ok(long.startsWith(cut) && cut.length < long.length && cut !== '', cut);
    assert.equal(outcome.candidates[0]?.complete, false);
  });

  it('answers with the line ends of the document', async () => {
    const outcome = await fill(new ScriptedModel('a;\n  b;'), '{\r\n  ⟦⟧\r\n}\r\n');
    if (outcome.kind !== 'filled') assert.fail(JSON.stringify(outcome));
    assert.deepEqual(outcome.candidates[0]?.fills, ['a;\r\n  b;']);
  });

  it('leaves out the candidate that changes nothing, and keeps the number of the others', async () => {
    const text = 'const n = items.length;\n';
    const holes = [{ start: 10, end: 22 }];
    const outcome = await fill(new ScriptedModel('items.length'), text, {
      holes,
      maxTokens: [32],
      candidates: 2,
      dropUnchanged: true,
    });
    if (outcome.kind !== 'filled') assert.fail(JSON.stringify(outcome));
    assert.equal(outcome.candidates.length, 2);
    for (const { fills } of outcome.candidates) assert.notEqual(fills[0], 'items.length');
    assert.ok(outcome.filters.includes('unchanged'));
  });

  it('says when all would stay empty', async () => {
    const outcome = await fill(new ScriptedModel(' '), 'f(a, ⟦⟧)', {
      candidates: 1,
      steps: 1,
      temperature: 0.1,
    });
    if (outcome.kind !== 'empty') assert.fail(JSON.stringify(outcome));
    assert.match(outcome.reason, /left out: empty/);
  });

  it('refuses holes that make no sense', async () => {
    const outcome = await fill(new ScriptedModel('a'), 'abc', { holes: [{ start: 2, end: 9 }] });
    assert.deepEqual(outcome, {
      kind: 'failed',
      reason: 'The hole spans 2–9, but the text has 3 characters.',
    });
  });

  it('is cancelled', async () => {
    const source = new CancellationSource();
    const model = new ScriptedModel('a');
    const answer = fillJointly(infillerOf(model), syntax, inputOf('f(⟦⟧)'), source.token);
    source.cancel();
    assert.equal((await answer).kind, 'cancelled');
  });
});
