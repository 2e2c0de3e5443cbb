/** Measures the engine: `npm run --silent bench -- --help`. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errorMessage } from '../server/src/base/async';
import { parseNumber, UsageError } from '../server/src/cli/arguments';
import { allocation } from '../server/src/inference/forkWorker';
import { chooseThreads } from '../server/src/runtime/threads';
import { progress, runCommand } from './command';
import { LlamaCpp } from './engine/llamaCpp';
import { measureEngine } from './engine/measure';
import { printReport } from './engine/print';
import { rounded } from './statistics';

const help = `npm run --silent bench [-- options]
  Measures the engine on this machine, in parallel steps against token by token; see bench/README.md.
  --json             one JSON object instead of tables
  --model DIR        another model folder
  --threads T        threads of a matrix product (default: chosen for the machine)
  --repeat N         how often each thing is measured (default 7)
  --quick            one small case of each kind, once: to see that everything runs
  --llama-bench PATH llama.cpp's llama-bench as a further rival …
  --gguf PATH        … and the same model for it`;

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        model: { type: 'string' },
        threads: { type: 'string' },
        repeat: { type: 'string' },
        'llama-bench': { type: 'string' },
        gguf: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(errorMessage(error), { cause: error });
  }
}

async function run(args: readonly string[]): Promise<void> {
  const values = parse(args);
  const { 'llama-bench': bench, gguf, quick } = values;
  const threads = parseNumber('threads', values.threads, 1, 256, true) ?? chooseThreads();
  const rounds = parseNumber('repeat', values.repeat, 1, 1000, true) ?? (quick ? 1 : 7);
  if ((bench === undefined) !== (gguf === undefined)) {
    throw new UsageError('expected --llama-bench and --gguf together');
  }
  const repository = join(__dirname, '..');
  const report = await measureEngine({
    modelPath: resolve(values.model ?? join(repository, 'models', 'parafill-small')),
    workerPath: join(__dirname, 'worker.js'),
    repository,
    threads,
    rounds,
    quick,
    progress,
    ...(bench === undefined || gguf === undefined
      ? {}
      : { llamaCpp: new LlamaCpp({ bench, gguf, threads }) }),
  });
  const toText = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? rounded(value, 3) : value;
  process.stdout.write(`${values.json ? JSON.stringify(report, toText) : printReport(report)}\n`);
}

/** The engine is measured in this process, which therefore takes its memory as the inference process does. */
function runAgain(): void {
  const env = { ...allocation, ...process.env };
  process.exitCode =
    spawnSync(process.execPath, process.argv.slice(1), { env, stdio: 'inherit' }).status ?? 1;
}

if (Object.keys(allocation).every((name) => name in process.env)) void runCommand({ help, run });
else runAgain();
