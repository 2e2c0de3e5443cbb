import type { BenchmarkMeasured, BenchmarkParams } from '../../server/src/protocol';

/** The ways of filling that are compared. */
export const WAYS: readonly { readonly name: string; readonly params: BenchmarkParams }[] = [
  { name: '1 step', params: { mode: 'diffusion', steps: 1 } },
  { name: '2 steps', params: { mode: 'diffusion', steps: 2 } },
  { name: '4 steps', params: { mode: 'diffusion', steps: 4 } },
  { name: '8 steps', params: { mode: 'diffusion', steps: 8 } },
  { name: 'token by token', params: { mode: 'ar' } },
];

export interface MeasuredWay {
  readonly name: string;
  readonly result: BenchmarkMeasured;
}

export interface Machine {
  readonly date: Date;
  readonly model: string;
  readonly provider: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly platform: string;
  readonly parafill: string;
  readonly editor: string;
}

/** The measurements for a person: a table, what its columns mean, and the machine. */
export function benchmarkReport(ways: readonly MeasuredWay[], machine: Machine): string {
  const rows = ways.map(({ name, result: r }) =>
    [name, r.passes, ...[r.firstMs, r.againMs, r.encodeMs, r.denoiseMs, r.rankMs, r.slowestMs].map(ms)].join(
      ' | ',
    ),
  );
  const fills = ways[0]?.result.fills ?? 0;
  return `# Parafill on this machine

| way | passes | first fill | next fill | reading | deciding | scoring | slowest |
| :-- | --: | --: | --: | --: | --: | --: | --: |
${rows.map((row) => `| ${row} |`).join('\n')}

Medians of ${fills} fills each, in milliseconds. A *first fill* reads its context anew, as after a jump to another
place; a *next fill* finds it read, as while one line is typed. *Passes* are runs of the network that decide tokens.
*Token by token* is the same network, read from left to right. The samples are short and the same for everybody: the
figures say how fast this machine is, not how good the fills are.
${comparison(ways)}
| | |
| :-- | :-- |
| model | ${machine.model} on ${machine.provider} |
| processor | ${machine.processor}, ${machine.cores} logical cores |
| memory | ${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB |
| platform | ${machine.platform} |
| versions | Parafill ${machine.parafill}, VS Code ${machine.editor} |
| measured | ${machine.date.toISOString()} |
`;
}

/** How the model's usual four steps compare with one token at a time, where both were measured. */
function comparison(ways: readonly MeasuredWay[]): string {
  const parallel = ways.find(({ name }) => name === '4 steps')?.result;
  const sequential = ways.find(({ name }) => name === 'token by token')?.result;
  if (parallel === undefined || sequential === undefined || sequential.denoiseMs <= 0) return '';
  const ratio = (parallel.denoiseMs / sequential.denoiseMs).toFixed(1);
  return `\nDeciding in 4 steps took **${ratio} times** as long as token by token, in fills as long as this model made them.\n`;
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
