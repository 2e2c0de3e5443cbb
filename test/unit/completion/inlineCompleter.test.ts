import assert from 'node:assert/strict';
import { join } from 'node:path';
import { CancellationSource, neverCancelled } from '../../../server/src/base/cancellation';
import { CompletionCache } from '../../../server/src/completion/cache';
import { Debounce } from '../../../server/src/completion/debounce';
import { InlineCompleter, type CompletionInput } from '../../../server/src/completion/inlineCompleter';
import { Latency } from '../../../server/src/completion/latency';
import type { CompletionOutcome } from '../../../server/src/completion/outcome';
import type { InfillRequest } from '../../../server/src/inference/messages';
import { SyntaxChecker } from '../../../server/src/completion/syntaxCheck';
import { infillerOf, ScriptedModel } from './scriptedModel';

interface Bench {
  readonly model: ScriptedModel;
  /** What the model was asked, the latest last. */
  readonly requests: readonly InfillRequest[];
  readonly latency: Latency;
  readonly complete: (document: string, changes?: Partial<CompletionInput>) => Promise<CompletionOutcome>;
  readonly completer: InlineCompleter;
}

const syntax = new SyntaxChecker(join(process.cwd(), 'dist/grammars'));

after(() => {
  syntax.dispose();
});

/** A completer around a model that writes `fill`; documents have the cursor at `│`. */
function bench(fill: string, now = (): number => performance.now(), isReady = true): Bench {
  const model = new ScriptedModel(fill);
  const latency = new Latency();
  const infiller = infillerOf(model);
  const requests: InfillRequest[] = [];
  const completer = new InlineCompleter({
    infiller: {
      infill: (request, cancellation, onProgress) => {
        requests.push(request);
        return infiller.infill(request, cancellation, onProgress);
      },
    },
    isReady: () => isReady,
    cache: new CompletionCache(),
    debounce: new Debounce(),
    latency,
    syntax,
    now,
  });
  return {
    model,
    requests,
    latency,
    completer,
    complete: (document, changes = {}) => completer.complete(inputOf(document, changes), neverCancelled),
  };
}

function inputOf(document: string, changes: Partial<CompletionInput> = {}): CompletionInput {
  const offset = document.indexOf('│');
  return {
    language: 'typescript',
    text: document.replace('│', ''),
    offset,
    trigger: 'invoked',
    candidates: 1,
    maxTokens: 64,
    temperature: 0,
    ...changes,
  };
}

/** What is offered first; the outcome itself when it is no offer. */
function offered(outcome: CompletionOutcome): unknown {
  return outcome.kind === 'candidates' ? outcome.candidates[0]?.text : outcome;
}

describe('InlineCompleter', () => {
  it('offers what the model writes at the cursor', async () => {
    const outcome = await bench('items.length').complete('const n = │;\n');
    if (outcome.kind !== 'candidates') assert.fail(outcome.kind);
    assert.equal(outcome.candidates[0]?.text, 'items.length');
    assert.equal(outcome.source, 'model');
    assert.ok((outcome.effort?.contextTokens ?? 0) > 3);
  });

  it('passes it through the filters and names them', async () => {
    const outcome = await bench('a, b);').complete('foo(│)\n');
    if (outcome.kind !== 'candidates') assert.fail(outcome.kind);
    assert.equal(outcome.candidates[0]?.text, 'a, b');
    assert.deepEqual(outcome.filters, ['closing brackets']);
  });

  it('says so when the filters leave nothing', async () => {
    const outcome = await bench('\n  \n').complete('foo();│\n');
    if (outcome.kind !== 'candidates') assert.fail(outcome.kind);
    assert.deepEqual(outcome.candidates, []);
    assert.deepEqual(outcome.filters, ['white space']);
  });

  it('shows unasked only what the model is sure of', async () => {
    const { complete, model } = bench('items.length');
    model.unsureFrom = 2;
    const outcome = await complete('const n = │;\n', { trigger: 'automatic' });
    if (outcome.kind !== 'candidates') assert.fail(outcome.kind);
    assert.equal(outcome.candidates[0]?.text, 'items.');
    assert.deepEqual(outcome.filters, ['unsure end']);
    assert.equal(offered(await complete('const n = │;\n')), 'items.length');
  });

  it('asks for no more than it shows unasked, whatever is drawn on request', async () => {
    const { complete, requests } = bench('items.length');
    const wishes = { candidates: 3, temperature: 0.7 };
    await complete('const n = │;\n', { ...wishes, trigger: 'automatic' });
    const { mode, least, candidates, temperature } = requests[0]!;
    assert.deepEqual({ mode, least, candidates, temperature }, { mode: 'ar', least: 0.25, candidates: 1, temperature: 0 }); // prettier-ignore
    await complete('const n = │;\n', { ...wishes, trigger: 'automatic' });
    assert.equal(requests.length, 1);
    await complete('const n = │;\n', wishes);
    assert.equal(requests[1]!.candidates, 3);
    assert.equal(requests[1]!.least, undefined);
  });

  it('shows no single character unasked, but the last one of what is typed along', async () => {
    const { complete, model } = bench(';');
    const outcome = await complete('foo()│\n', { trigger: 'automatic' });
    if (outcome.kind !== 'candidates') assert.fail(outcome.kind);
    assert.deepEqual(outcome.candidates, []);
    assert.ok(outcome.filters.includes('unsure end'));
    assert.equal(offered(await complete('foo()│\n')), ';');
    model.write('ab');
    await complete('x = │;\n', { trigger: 'automatic' });
    assert.equal(offered(await complete('x = a│;\n', { trigger: 'automatic' })), 'b');
  });

  it('shows nothing unasked when the model is unsure of the first word', async () => {
    const { complete, model } = bench('items.length');
    model.unsureFrom = 0;
    const outcome = await complete('const n = │;\n', { trigger: 'automatic' });
    if (outcome.kind !== 'candidates') assert.fail(outcome.kind);
    assert.deepEqual(outcome.candidates, []);
    assert.ok(outcome.filters.includes('unsure end'));
  });

  it('answers typing along from the cache, without the model', async () => {
    const { complete, model } = bench('items.length');
    await complete('const n = │;\n');
    const passes = model.encodes;
    assert.equal(offered(await complete('const n = item│;\n')), 's.length');
    assert.equal(offered(await complete('const n = items.leng│;\n', { trigger: 'automatic' })), 'th');
    assert.equal(model.encodes, passes);
    assert.equal(offered(await complete('const m = │;\n')), 'items.length');
    assert.ok(model.encodes > passes);
  });

  it('draws anew on request when candidates are drawn by chance', async () => {
    const { complete, model } = bench('a');
    await complete('const n = │;\n', { temperature: 1 });
    const passes = model.encodes;
    await complete('const n = │;\n', { temperature: 1 });
    assert.ok(model.encodes > passes);
  });

  it('goes on from the entry selected in the suggestion list', async () => {
    const { complete } = bench('(a, b)');
    const selected = { range: { start: 8, end: 11 }, text: 'forEach' };
    assert.equal(offered(await complete('  items.for│;\n', { selected })), '(a, b)');
  });

  it('refuses a selected entry that contradicts what was typed', async () => {
    const { complete, model } = bench('(a, b)');
    const selected = { range: { start: 8, end: 11 }, text: 'map' };
    const outcome = await complete('  items.for│;\n', { selected });
    assert.equal(outcome.kind === 'skipped' && outcome.rule, 'selected-suggestion');
    assert.equal(model.encodes, 0);
  });

  it('offers nothing inside a merge conflict', async () => {
    const outcome = await bench('a').complete('<<<<<<< HEAD\n│\n=======\n>>>>>>> x\n');
    assert.equal(outcome.kind === 'skipped' && outcome.rule, 'merge-conflict');
  });

  it('leaves comments alone while somebody types, if that is wanted', async () => {
    const { complete, model } = bench('all');
    const automatic = { trigger: 'automatic', inComments: false } as const;
    const outcome = await complete('// The │\n', automatic);
    assert.equal(outcome.kind === 'skipped' && outcome.rule, 'comment');
    assert.equal(model.encodes, 0);
    assert.equal(offered(await complete('f(│);\n', automatic)), 'all');
    assert.equal(offered(await complete('// The │\n', { inComments: false })), 'all');
    assert.equal(offered(await complete('// An │\n', { trigger: 'automatic' })), 'all');
  });

  it('goes on with what was asked for by hand, also where nothing is wanted unasked', async () => {
    const { complete, model } = bench('first, second');
    const unwanted = { kind: 'skipped', rule: 'automatic-disabled', reason: 'Off.' } as const;
    const unasked = { trigger: 'automatic', unwanted } as const;
    assert.deepEqual(await complete('f(│);\n', unasked), unwanted);
    assert.equal(offered(await complete('f(│);\n')), 'first, second');
    assert.equal(offered(await complete('f(fi│);\n', unasked)), 'rst, second');
    assert.deepEqual(await complete('f(fa│);\n', unasked), unwanted);
    // Nothing was typed along, so that the cursor has merely come back.
    assert.deepEqual(await complete('f(│);\n', unasked), unwanted);
    assert.equal(model.encodes, 1);
  });

  it('goes on in a comment with what was asked for there', async () => {
    const { complete } = bench('first');
    assert.equal(offered(await complete('// The │\n')), 'first');
    const unasked = { trigger: 'automatic', inComments: false } as const;
    assert.equal(offered(await complete('// The fi│\n', unasked)), 'rst');
  });

  it('offers nothing inside a character', async () => {
    const outcome = await bench('a').complete('│', { text: '😀', offset: 1 });
    assert.equal(outcome.kind === 'skipped' && outcome.rule, 'cursor');
  });

  it('does not start the model when cancelled during the pause', async () => {
    const { completer, model } = bench('a');
    const source = new CancellationSource();
    const answer = completer.complete(inputOf('│', { trigger: 'automatic' }), source.token);
    source.cancel();
    assert.equal((await answer).kind, 'cancelled');
    assert.equal(model.encodes, 0);
  });

  it('says what failed', async () => {
    const { complete } = bench('a');
    const outcome = await complete('│', { maxTokens: -1 });
    assert.match(outcome.kind === 'failed' ? outcome.reason : '', /maxTokens: expected a whole number/);
  });

  it('leaves the model what is left of 400 ms after the pause, and all of a budget on request', async () => {
    const { complete, requests, latency } = bench('a');
    // A slow machine, on which it waits for a pause in typing.
    latency.add(1_000);
    await complete('const n = │;\n', { trigger: 'automatic', budgetMs: 3_000 });
    await complete('const m = │;\n', { budgetMs: 3_000 });
    const [automatic, invoked] = requests.map(({ budgetMs }) => budgetMs ?? Infinity);
    assert.ok(automatic !== undefined && automatic > 0 && automatic <= 400 - 100, `${automatic} ms`);
    assert.equal(invoked, 3_000);
  });

  it('asks for what needs no time where the pause has taken all of it', async () => {
    let clock = 0;
    const { completer, requests } = bench('a', () => (clock += 500));
    await completer.complete(inputOf('1│', { trigger: 'automatic', budgetMs: 3_000 }), neverCancelled);
    assert.equal(requests[0]?.budgetMs, 0);
  });

  it('measures automatic completions only', async () => {
    const { complete, latency } = bench('a');
    await complete('1│');
    assert.equal(latency.totalMs === undefined, true);
    await complete('2│', { trigger: 'automatic' });
    assert.equal(latency.totalMs === undefined, false);
  });

  it('does not measure what the model takes to load', async () => {
    const { complete, latency } = bench('a', undefined, false);
    await complete('2│', { trigger: 'automatic' });
    assert.equal(latency.totalMs, undefined);
  });

  const documents: readonly (readonly [name: string, document: string])[] = [
    ['an empty document', '│'],
    ['CRLF', 'a\r\n│\r\nb'],
    ['emoji', '"😀" + │'],
    ['a lone surrogate', 'a = "\ud83d" + │;'],
    ['hole markers in the text', 'f(⟦⟧, │)'],
    ['special tokens in the text', '<|mask|><|eoh|>│'],
  ];
  for (const [name, document] of documents) {
    it(`copes with ${name}`, async () => {
      assert.equal(offered(await bench('value').complete(document)), 'value');
    });
  }
});
