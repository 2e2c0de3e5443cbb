import { percent, table } from '../table';
import { rounded } from '../statistics';
import type { BenchReport } from './report';

/** The report for a person: milliseconds as median ± distance between the quartiles. */
export function printReport(report: BenchReport): string {
  const { machine, append, joint } = report;
  const { rates } = machine;
  const fillHeaders = [
    'hole',
    'context',
    'steps',
    'diffusion',
    'AR twin',
    'llama.cpp',
    '× AR',
    '× llama.cpp',
  ];
  const compared = (fill: BenchReport['fills'][number], hole: string | number) => [
    hole,
    fill.context,
    fill.steps,
    withSpread(fill.diffusionMs, fill.diffusionMsSpread),
    withSpread(fill.arMs, fill.arMsSpread),
    withSpread(fill.llamaCppMs, fill.llamaCppMsSpread),
    rounded(fill.ratio),
    fill.llamaCppRatio === null ? null : rounded(fill.llamaCppRatio),
  ];
  const parts = [
    `${machine.model} on ${machine.cpu}, ${machine.threads} of ${machine.cores} cores, ${machine.platform}, ` +
      `onnxruntime ${machine.onnxruntime}, load ${machine.loadAverage}`,
    `This machine reaches ${rounded(rates.int8GigaOperationsPerSecond, 0)} GOP/s in int8, ` +
      `${rounded(rates.floatGigaOperationsPerSecond, 0)} GFLOP/s, ${rounded(rates.gigabytesPerSecond, 1)} GB/s.`,
    'Milliseconds: median ± distance between the quartiles.',
    table(
      'Reading a context',
      ['tokens', 'behind', 'ms'],
      [
        ...report.encode.map(({ tokens, ms, msSpread }) => [tokens, 0, withSpread(ms, msSpread)]),
        [append.tokens, append.context, withSpread(append.ms, append.msSpread)],
      ],
    ),
    table(
      'One denoising step, and the least that the rates above allow',
      ['hole', 'context', 'ms', 'pass ms', 'int8 MOP', 'float MOP', 'MB', 'limit ms', 'reached'],
      report.steps.map((step) => [
        step.hole,
        step.context,
        withSpread(step.ms, step.msSpread),
        step.passMs.toFixed(1),
        rounded(step.int8Operations / 1e6, 0),
        rounded(step.floatOperations / 1e6, 0),
        rounded(step.bytes / 1e6, 1),
        rounded(step.limitMs),
        percent(step.ofLimit),
      ]),
    ),
    table('Whole fills, the context being read', fillHeaders, [
      ...report.fills.map((fill) => compared(fill, fill.hole)),
      compared(joint, `${joint.holes} × ${joint.hole}`),
    ]),
    table(
      'Candidates: drawn, all of one length; and as an editor asks for them, of the likeliest lengths',
      ['candidates', 'hole', 'context', 'steps', 'drawn', '× one', 'asked for', '× one'],
      report.candidates.map(({ count, hole, context, steps, ...taken }) => [
        count,
        hole,
        context,
        steps,
        withSpread(taken.ms, taken.msSpread),
        rounded(taken.ofOne),
        withSpread(taken.askedMs, taken.askedMsSpread),
        rounded(taken.askedOfOne),
      ]),
    ),
    `Inference process: ready after ${withSpread(report.readyMs, report.readyMsSpread) ?? ''} ms, ` +
      `at most ${withUnit(report.memoryMb, 'MB')}, ${withUnit(report.idleCpuPercent, '%')} of a core when idle.`,
    ...report.leftOut.map((line) => `Left out: ${line}.`),
  ];
  return parts.join('\n\n');
}

function withSpread(ms: number | null, spread: number | null): string | null {
  return ms === null || spread === null ? null : `${ms.toFixed(1)} ± ${spread.toFixed(1)}`;
}

function withUnit(value: number | null, unit: string): string {
  return value === null ? `(unknown here) ${unit}` : `${rounded(value, 1)} ${unit}`;
}
