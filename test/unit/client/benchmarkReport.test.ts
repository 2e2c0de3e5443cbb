import assert from 'node:assert/strict';
import { benchmarkReport, type MeasuredWay } from '../../../client/src/benchmarkReport';

const machine = {
  date: new Date('2026-01-02T03:04:05Z'),
  model: 'tiny 1.0',
  provider: 'cpu',
  processor: 'A Processor',
  cores: 8,
  memoryBytes: 16 * 2 ** 30,
  platform: 'linux-x64',
  parafill: '0.1.0',
  editor: '1.108.0',
};

function way(name: string, denoiseMs: number): MeasuredWay {
  const times = { firstMs: 123.4, againMs: 56.7, encodeMs: 60, denoiseMs, rankMs: 1.25, slowestMs: 200 };
  return { name, result: { kind: 'measured', fills: 12, passes: 4, ...times } };
}

describe('benchmarkReport', () => {
  it('is a table with the medians, and says on what they were measured', () => {
    const report = benchmarkReport([way('4 steps', 40)], machine);
    assert.match(report, /^\| 4 steps \| 4 \| 123 \| 57 \| 60 \| 40 \| 1\.3 \| 200 \|$/m);
    assert.match(report, /Medians of 12 fills each/);
    assert.match(report, /A Processor, 8 logical cores/);
    assert.match(report, /16\.0 GiB/);
    assert.match(report, /2026-01-02T03:04:05/);
    assert.doesNotMatch(report, /undefined|NaN/);
  });

  it('compares steps with tokens, whichever is faster', () => {
    const faster = benchmarkReport([way('4 steps', 40), way('token by token', 100)], machine);
    assert.match(faster, /in 4 steps took \*\*0\.4 times\*\* as long as token by token/);
    const slower = benchmarkReport([way('4 steps', 40), way('token by token', 20)], machine);
    assert.match(slower, /in 4 steps took \*\*2\.0 times\*\* as long/);
  });
});
