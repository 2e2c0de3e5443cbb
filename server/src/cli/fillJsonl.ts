import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { errorMessage } from '../base/async';
import { importedModules } from '../completion/workspace/imports';
import { nearText, rankChunks } from '../completion/workspace/rank';
import { type ContextRoom, farParts, MOST_CHUNKS, withinRoom } from '../completion/workspace/selection';
import { type FileChunk, INFILL_MODES, type InfillRequest, isInfillMode } from '../inference/messages';
import { commonHelp, type CommonOptions, parseArguments, UsageError } from './arguments';
import { TerminalEngine } from './terminalEngine';

export const infillHelp = `npm run --silent infill -- --jsonl [options]
  Reads one request per line from standard input:
    {"id": "…", "language": "typescript", "segments": ["text before", "text between", "…", "text after"]}
  k + 1 segments make k holes. "maxTokens" (one number) and "lengths" (tokens of each hole, where known)
  are optional, and so are "path" (with slashes) and "files": [{"path", "text"}], other files of the workspace:
  with them, what helps of them and of the far parts of the text itself is shown to a model that knows files.
  "mode", "steps", "candidates", "temperature" and "seed" go before the options below: requests for one place
  after each other read its context once.
  Writes one line per request, best candidate first:
    {"id", "candidates": [{"fills": ["…"], "score": -1.2, "parses": true}], "steps": 4, "timings": {"encodeMs", "denoiseMs", "totalMs"}}
  Each candidate also has "complete", "confidence", "draws" (how often it was drawn, above temperature 0), and
  "beginnings": for each hole, [length, log likelihood] of the text's beginnings.
  A request that cannot be answered gets {"id", "error"} and the next one is read.
${commonHelp}`;

/** The `infill` command. @returns the exit code: broken lines are answered and are no failure. */
export async function fillJsonl(args: readonly string[]): Promise<number> {
  const { common, flags, positionals } = parseArguments(args, ['jsonl']);
  if (flags.get('jsonl') !== true) throw new UsageError('expected --jsonl: requests are read as JSON lines');
  if (positionals.length > 0) throw new UsageError(`unexpected argument "${positionals.join(' ')}"`);
  const engine = new TerminalEngine(common);
  try {
    const model = await engine.ready();
    let lineNumber = 0;
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
      lineNumber += 1;
      if (line.trim() === '') continue;
      const answer = await answerLine(engine, line, lineNumber, common.decoding, model);
      if (!process.stdout.write(`${JSON.stringify(answer)}\n`)) await once(process.stdout, 'drain');
    }
    return 0;
  } finally {
    engine.dispose();
  }
}

async function answerLine(
  engine: TerminalEngine,
  line: string,
  lineNumber: number,
  decoding: CommonOptions['decoding'],
  model: ContextRoom,
): Promise<object> {
  let id: unknown = null;
  try {
    const value: unknown = JSON.parse(line);
    if (isRecord(value)) id = value['id'] ?? null;
    const { files, ...request } = parseRequest(value);
    const chunks = files === undefined ? [] : chunksFor(request, files, model);
    const outcome = await engine.fill({ ...decoding, ...request, chunks, files: files ?? [] });
    if (outcome.kind === 'failed') return { id, error: `line ${lineNumber}: ${outcome.reason}` };
    const { encodeMs, denoiseMs, rankMs, totalMs } = outcome.timings;
    return {
      id,
      candidates: outcome.candidates.map(
        ({ fills, score, parses, complete, confidence, draws, beginnings }) => ({
          fills,
          score,
          parses: parses ?? null,
          complete,
          confidence,
          draws,
          beginnings: beginnings.map((hole) => hole.map(({ end, logProbability }) => [end, logProbability])),
        }),
      ),
      steps: outcome.steps,
      timings: { encodeMs, denoiseMs, rankMs, totalMs },
      contextTokens: outcome.contextTokens,
      reusedTokens: outcome.reusedTokens,
      chunks: outcome.chunks,
    };
  } catch (error) {
    return { id, error: `line ${lineNumber}: ${errorMessage(error)}` };
  }
}

/** What a request may say once for all its holes; the engine checks the values. */
const numberKeys = ['maxTokens', 'steps', 'candidates', 'temperature', 'seed'] as const;

type RequestText = Pick<InfillRequest, 'language' | 'path' | 'segments' | 'lengths'> &
  Partial<Pick<InfillRequest, 'mode' | (typeof numberKeys)[number]>> & {
    readonly files?: readonly FileChunk[];
  };

/** What the model is shown of whole files and of the far parts of the text itself. */
function chunksFor(
  { language, path = '', segments }: RequestText,
  files: readonly FileChunk[],
  model: ContextRoom,
): FileChunk[] {
  if (model.fileShare === 0) return [];
  const imported = new Set(importedModules(language, path, segments[0] ?? '').flat());
  const candidates = [
    ...farParts(path, segments, model),
    ...files.map((file) => ({ ...file, imported: imported.has(file.path) })),
  ];
  const near = nearText(segments[0] ?? '', segments.at(-1) ?? '');
  return withinRoom(rankChunks(near, candidates, MOST_CHUNKS), model);
}

/** @throws naming the key, what was expected there and what was found. Unknown keys are ignored. */
export function parseRequest(value: unknown): RequestText {
  if (!isRecord(value)) throw new Error(`expected a JSON object, found ${describe(value)}`);
  const { language, path, segments, mode, lengths, files } = value;
  if (!isListOf(segments, isString) || segments.length < 2) {
    throw new Error(`expected "segments" to be a list of at least 2 strings, found ${describe(segments)}`);
  }
  if (language !== undefined && !isString(language)) {
    throw new Error(`expected "language" to be a string, found ${describe(language)}`);
  }
  if (path !== undefined && path !== null && !isString(path)) {
    throw new Error(`expected "path" to be a string, found ${describe(path)}`);
  }
  if (mode !== undefined && mode !== null && !isInfillMode(mode)) {
    throw new Error(`expected "mode" to be one of ${INFILL_MODES.join(', ')}, found ${describe(mode)}`);
  }
  const numbers = numberKeys.flatMap((key) => {
    const number = value[key];
    if (number === undefined || number === null) return [];
    if (!isNumber(number)) throw new Error(`expected "${key}" to be a number, found ${describe(number)}`);
    return [[key, number] as const];
  });
  if (lengths !== undefined && lengths !== null && !isListOf(lengths, isNumber)) {
    throw new Error(`expected "lengths" to be a list of numbers, found ${describe(lengths)}`);
  }
  if (files !== undefined && files !== null && !isListOf(files, isFile)) {
    throw new Error(`expected "files" to be a list of {"path", "text"}, found ${describe(files)}`);
  }
  return {
    language: language ?? 'other',
    segments,
    ...(isString(path) ? { path } : {}),
    ...(mode === undefined || mode === null ? {} : { mode }),
    ...Object.fromEntries(numbers),
    ...(lengths === undefined || lengths === null ? {} : { lengths }),
    ...(files === undefined || files === null ? {} : { files }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFile(value: unknown): value is FileChunk {
  return isRecord(value) && isString(value['path']) && isString(value['text']);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
