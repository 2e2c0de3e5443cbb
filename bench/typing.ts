/** Replays how a person types, against the built server: `npm run --silent bench:typing -- --help`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { errorMessage } from '../server/src/base/async';
import { parseNumber, UsageError } from '../server/src/cli/arguments';
import { languageOf } from '../server/src/cli/languages';
import { LanguageServer } from '../test/lsp/languageServer';
import { progress, runCommand } from './command';
import { describeMachine } from './machine';
import { quantile, rounded } from './statistics';
import { percent, table } from './table';
import { type Asked, replay } from './typing/replay';
import { typingScript } from './typing/script';
import { type Percentiles, summarise, type TypingReport } from './typing/summary';

const help = `npm run --silent bench:typing [-- options] [FILE…]
  Types parts of files (default: some of this repository's own) into the language server and measures what
  a person would have of it; see bench/README.md.
  --json             one JSON object instead of text
  --model DIR        another model folder
  --threads T        threads of the inference process (default: chosen for the machine)
  --typed N          characters of each file that are typed; the rest stands there already (default 300)
  --speed F          pauses are divided by this (default 1: like a person)
  --seed S           of pauses, mistakes and jumps (default 0)`;

/** None of these was trained on. */
const ownFiles = [
  'server/src/completion/inlineCompleter.ts',
  'server/src/features/modelHost.ts',
  'client/src/holes.ts',
  'models/parafill/sampler.py',
];
const roundTrips = 20;

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        model: { type: 'string' },
        threads: { type: 'string' },
        typed: { type: 'string' },
        speed: { type: 'string' },
        seed: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(errorMessage(error), { cause: error });
  }
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args);
  const threads = parseNumber('threads', values.threads, 0, 256, true) ?? 0;
  const typed = parseNumber('typed', values.typed, 1, 1e6, true) ?? 300;
  const speed = parseNumber('speed', values.speed, 0.1, 1000, false) ?? 1;
  const seed = parseNumber('seed', values.seed, 0, 2 ** 32 - 1, true) ?? 0;
  const files = positionals.length > 0 ? positionals : ownFiles.map((path) => join(__dirname, '..', path));
  const machine = describeMachine();

  const server = await LanguageServer.start({
    args: values.model === undefined ? [] : ['--model', values.model],
    settings: { threads, provider: 'cpu' },
  });
  try {
    const { model } = await server.ready();
    const replays: Asked[][] = [];
    for (const path of files) {
      progress(`typing in ${path}`);
      const script = typingScript(await readFile(path, 'utf8'), { seed, typed });
      replays.push(await replay(server, script, languageOf(path), speed));
    }
    const report: TypingReport = {
      machine,
      model: `${model?.name ?? ''} ${model?.version ?? ''}`,
      files,
      speed,
      seed,
      ...summarise(replays, await roundTripMs(server)),
    };
    const toText = (_: string, value: unknown): unknown =>
      typeof value === 'number' ? rounded(value, 3) : value;
    process.stdout.write(`${values.json ? JSON.stringify(report, toText) : print(report)}\n`);
  } finally {
    await server.stop();
  }
}

/** What the shortest request takes. */
async function roundTripMs(server: LanguageServer): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < roundTrips; i++) {
    const started = performance.now();
    await server.getStatus();
    times.push(performance.now() - started);
  }
  return quantile(times, 0.5);
}

function print(report: TypingReport): string {
  const { machine, stop, saved } = report;
  const row = (name: string, times: Percentiles | null) => [
    name,
    ...(times === null ? [null, null, null] : [times.p50, times.p95, times.p99].map((ms) => rounded(ms, 1))),
  ];
  return [
    `${report.model} on ${machine.cpu}, ${machine.cores} cores, load ${machine.loadAverage}`,
    `${report.requests} requests: ${report.answered} answered, ${report.superseded} superseded by the next ` +
      `keystroke, ${report.failed} failed`,
    table(
      'Milliseconds',
      ['', 'p50', 'p95', 'p99'],
      [
        row('keystroke to answer', report.latencyMs),
        row('of that the model', report.modelMs),
        row('superseded to stopped', stop.ms),
      ],
    ),
    [
      `From the cache: ${percent(report.fromCache) ?? '–'} of the answers.`,
      `Context known: in ${percent(report.contextReused) ?? '–'} of the requests that ran the model, ` +
        `${percent(report.tokensReused) ?? '–'} of their tokens (usually ${report.contextTokens ?? '–'}).`,
      `Superseded requests that stopped within a step: ${percent(stop.withinAStep) ?? '–'}.`,
      `Accepted completions would have saved ${saved.characters} characters, ` +
        `${percent(saved.share) ?? '–'} of what was typed: ${saved.accepted} of ${saved.shown} that were shown.`,
    ].join('\n'),
  ].join('\n\n');
}

void runCommand({ help, run });
