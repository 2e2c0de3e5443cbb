import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { errorMessage } from '../base/async';
import { findHoleMarkers, mostTokensOf } from '../completion/holeMarkers';
import { withoutWhatFollows } from '../completion/surroundings';
import { fromLf, lineEndingOf, toLf } from '../completion/text';
import { DEFAULT_MAX_TOKENS, type ModelInfo } from '../inference/messages';
import { commonHelp, parseArguments, UsageError } from './arguments';
import { excerpts } from './excerpt';
import { languageOf } from './languages';
import { type RankedOutcome, TerminalEngine } from './terminalEngine';

export const fillHelp = `npm start [-- [PATH] [options]]
  Fills the holes ⟦⟧ of a file (without PATH: of a sample) and shows it before and after.
  --json             one JSON object on the last line instead
  --write            write the filled text to the file
${commonHelp}`;

/** The `fill` command. @returns the exit code. */
export async function fillFile(args: readonly string[]): Promise<number> {
  const { common, flags, positionals } = parseArguments(args, ['json', 'write']);
  if (positionals.length > 1) throw new UsageError(`expected one file, got ${positionals.length}`);
  const path = positionals[0] ?? join(__dirname, '..', 'examples', 'sample.ts');
  const text = await readTextFile(path);
  const markers = findHoleMarkers(text);
  if (markers.length === 0) {
    throw new Error(
      `${path}: expected at least one hole, written ⟦⟧, but found none. Mark what is missing with it.`,
    );
  }
  const edges = [0, ...markers.flatMap(({ start, end }) => [start, end]), text.length];
  const segments = Array.from({ length: markers.length + 1 }, (_, i) =>
    text.slice(edges[2 * i], edges[2 * i + 1]),
  );
  const { maxTokens } = common.decoding;
  const usual = typeof maxTokens === 'number' ? maxTokens : DEFAULT_MAX_TOKENS;
  const language = languageOf(path);

  const engine = new TerminalEngine(common);
  try {
    const info = await engine.ready();
    const outcome = await engine.fill({
      ...common.decoding,
      language,
      path,
      segments,
      maxTokens: markers.map((marker) => mostTokensOf(marker, usual)),
    });
    if (outcome.kind === 'failed') throw new Error(outcome.reason);
    const [first] = outcome.candidates;
    const around = { language, segments: segments.map(toLf), cutBefore: false, cutAfter: false };
    const said = first && withoutWhatFollows({ ...first, fills: first.fills.map(toLf) }, around, new Set());
    const lineEnding = lineEndingOf(text);
    const best = said?.fills.map((fill) => fromLf(fill, lineEnding)) ?? [];
    const after = segments.map((segment, i) => segment + (best[i] ?? '')).join('');
    if (flags.get('write') === true) await writeFile(path, after);
    if (flags.get('json') === true) report(path, language, markers.length, after, info, outcome);
    else show(path, segments, best, info, outcome);
    return 0;
  } finally {
    engine.dispose();
  }
}

/** @throws when the file cannot be read or is not UTF-8: filling it could not keep the rest as it is. */
async function readTextFile(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new Error(`${path}: cannot be read: ${errorMessage(error)}`, { cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new Error(`${path}: expected UTF-8 text, but some bytes are not. Convert the file first.`, {
      cause: error,
    });
  }
}

type Filled = Extract<RankedOutcome, { kind: 'filled' }>;

function report(
  path: string,
  language: string,
  holes: number,
  after: string,
  info: ModelInfo,
  outcome: Filled,
): void {
  const { candidates, steps, timings, contextTokens, reusedTokens } = outcome;
  const line = {
    file: path,
    language,
    holes,
    candidates,
    after,
    steps,
    timings,
    contextTokens,
    reusedTokens,
    model: info,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function show(
  path: string,
  segments: readonly string[],
  fills: readonly string[],
  info: ModelInfo,
  outcome: Filled,
): void {
  const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const mark = (text: string, code: number): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const shown = relative(process.cwd(), path);
  const name = shown.startsWith('..') ? basename(path) : shown;
  const { encodeMs, denoiseMs, rankMs, totalMs } = outcome.timings;
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const holes = fills.length === 1 ? '1 hole' : `${fills.length} holes`;
  process.stdout.write(
    [
      mark(`Before: ${name}, ${holes}`, 1),
      excerpts(
        segments,
        segments.slice(1).map(() => '⟦⟧'),
        (text) => mark(text, 33),
      ),
      '',
      mark('After', 1),
      excerpts(segments, fills, (text) => mark(text, 32)),
      '',
      `${outcome.steps} steps, ${ms(totalMs)} (context of ${outcome.contextTokens} tokens ${ms(encodeMs)}, ` +
        `denoising ${ms(denoiseMs)}, ranking ${ms(rankMs)})`,
      `${info.name} ${info.version} on ${info.provider}, ${info.threads} threads, ` +
        `ready in ${ms(info.loadMs + info.warmupMs)}`,
      '',
    ].join('\n'),
  );
}
