import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { BenchReport } from '../../bench/engine/report';
import { modelPath } from './shippedModel';

async function bench(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [resolve('dist/bench.js'), ...args]);
  return stdout;
}

/** How fast anything is, is nobody's business here: that the figures are there, and what they are of. */
describe('bench', () => {
  it('prints all figures as JSON', async () => {
    const out = await bench('--json', '--quick', '--model', modelPath);
    const report = JSON.parse(out) as BenchReport;
    assert.deepEqual(Object.keys(report), [
      'machine',
      'encode',
      'append',
      'steps',
      'fills',
      'joint',
      'candidates',
      'memoryMb',
      'idleCpuPercent',
      'readyMs',
      'readyMsSpread',
      'leftOut',
    ]);
    const { encode, append, steps, fills, joint, candidates, readyMs } = report;
    const keys = (value: object | undefined, ...wanted: string[]): void => {
      for (const key of wanted)
        assert.ok(Object.hasOwn(value ?? {}, key), `${key} in ${JSON.stringify(value)}`);
    };
    keys(encode[0], 'tokens', 'ms');
    keys(append, 'tokens', 'context', 'ms');
    keys(steps[0], 'hole', 'context', 'ms', 'ofLimit');
    keys(fills[0], 'hole', 'context', 'steps', 'diffusionMs', 'arMs', 'llamaCppMs', 'ratio');
    keys(joint, 'holes', 'hole', 'context', 'steps', 'diffusionMs', 'arMs', 'llamaCppMs', 'ratio');
    keys(candidates[0], 'count', 'hole', 'context', 'steps', 'ms', 'ofOne');
    assert.equal(fills[0]?.llamaCppMs, null);
    const [fill] = fills;
    assert.ok(Math.abs(fill.ratio - fill.arMs / fill.diffusionMs) < 0.01);
    for (const ms of [encode[0]?.ms, append.ms, steps[0]?.ms, joint.arMs, readyMs]) assert.ok((ms ?? 0) > 0);
  });

  it('says what it does not understand', async () => {
    await assert.rejects(bench('--repeat', '0'), /--repeat: expected a whole number from 1 to 1000, got "0"/);
    await assert.rejects(bench('--gguf', 'x'), /expected --llama-bench and --gguf together/);
    await assert.rejects(
      bench('--model', 'nowhere'),
      /nowhere: expected a model folder, but there is nothing/,
    );
  });
});
