import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { neverCancelled } from '../../server/src/base/cancellation';
import { ContextBuilder } from '../../server/src/inference/contextBuilder';
import { Engine } from '../../server/src/inference/engine';
import { ngramsOf } from '../../server/src/runtime/modelFolder';
import {
  encodeFresh,
  blockOf,
  type Loaded,
  loadShippedModel,
  logProbabilities,
  readGoldens,
} from './shippedModel';

/**
 * The exporter's processor and this one may round sums in another order; where that moves an activation
 * over the edge between two int8 levels, log-probabilities differ in the second digit. On one processor
 * they are equal to the last bit.
 */
const tolerance = 0.25;

/** This processor as Python's `processor_model` describes it; empty where Linux does not say. */
function processorModel(): string {
  const info = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const line = (key: string) => new RegExp(`^${key}\\s*: *(.*)$`, 'm').exec(info)?.[1] ?? '';
  const wide = new Set(line('flags').match(/\b(?:avx|amx)\S*/g));
  return [line('model name'), ...[...wide].sort()].join(' ');
}

/** Whether the texts may come from tokens that are not UTF-8 together. */
const mayBeCut = (fills: readonly string[]): boolean => fills.some((text) => text.includes('\ufffd'));

describe('goldens: TypeScript and Python', () => {
  const goldens = readGoldens();
  let loaded: Loaded;
  /**
   * Whether this processor rounds as the exporter's did. Elsewhere the fills are compared by
   * models/tests/test_parity.py, which runs both programs on one machine.
   */
  let roundsAlike: boolean;

  before(async () => {
    loaded = await loadShippedModel();
    roundsAlike = processorModel() === goldens.processor;
  });

  after(() => loaded.model.release());

  for (const { text, ids } of goldens.tokenizer) {
    it(`tokenise ${JSON.stringify(text)} alike`, () => {
      const { tokenizer } = loaded.folder;
      assert.deepEqual([...tokenizer.encode(text)], ids);
      assert.equal(tokenizer.decode(Int32Array.from(ids)).text, text);
    });
  }

  for (const [index, golden] of goldens.logits.entries()) {
    it(`compute the same logits, case ${index}`, async () => {
      const { model } = loaded;
      const { vocabSize } = model.layout;
      const context = await encodeFresh(model, golden.context);
      const block = blockOf(golden.ids, golden.positions, golden.order, golden.wanted);
      const found = logProbabilities(await model.denoise(context, block), vocabSize);
      for (const [row, likeliest] of golden.logProbs.entries()) {
        for (const [id, expected] of likeliest) {
          const difference = Math.abs(found[row * vocabSize + id]! - expected);
          assert.ok(difference < tolerance, `token ${id} of row ${row} differs by ${difference}`);
        }
      }
      if (!roundsAlike) return;
      const rows = golden.argmax.map((_, row) => found.subarray(row * vocabSize, (row + 1) * vocabSize));
      assert.deepEqual(
        rows.map((row) => row.indexOf(Math.max(...row))),
        golden.argmax,
      );
    });
  }

  for (const [index, golden] of goldens.fills.entries()) {
    const { language, segments, chunks, steps, candidates, temperature } = golden.request;
    const holes = `${segments.length - 1} holes of ${language}`;

    it(`lay out the same context for ${holes}, case ${index}`, () => {
      const { tokenizer, manifest } = loaded.folder;
      const { ids } = new ContextBuilder(tokenizer, manifest).build(language, segments, chunks);
      assert.deepEqual([...ids], golden.contextIds);
    });

    it(`fill ${holes} alike in ${steps} steps, ${candidates} candidates at temperature ${temperature}`, async () => {
      // What an earlier context left in the cache would be read in other chunks, and so rounded otherwise.
      const { model, folder } = await loadShippedModel();
      const engine = new Engine(model, folder.tokenizer, folder.manifest, { ngrams: await ngramsOf(folder) });
      const outcome = await engine.fill(golden.request, neverCancelled).finally(() => model.release());
      assert.equal(outcome.kind, 'filled');
      // Block by block, each takes so many.
      if (golden.request.maxTokens <= folder.manifest.layout.maxCanvas)
        assert.ok(outcome.steps <= golden.steps);
      // At temperature 0 the engine gives what else it tried, too.
      const found = outcome.candidates.slice(0, candidates);
      assert.ok(found.length > 0 && found.length <= golden.candidates.length);
      // One flipped token changes all that follow, so that elsewhere only the shape of the answer is sure.
      if (!roundsAlike) return;
      // The engine withholds candidates that cut a character apart as long as there are others.
      const expected = golden.candidates.filter(
        ({ fills }) =>
          !mayBeCut(fills) || found.some((candidate) => isDeepStrictEqual(candidate.fills, fills)),
      );
      assert.deepEqual(
        found.slice(0, expected.length).map(({ fills }) => fills),
        expected.map(({ fills }) => fills),
      );
      for (const [i, { score }] of expected.entries()) {
        assert.ok(Math.abs(found[i]!.score - score) < 1e-3, `scores ${found[i]!.score} and ${score}`);
      }
    });
  }
});
