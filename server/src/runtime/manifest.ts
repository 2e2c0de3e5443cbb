import type { ModelLayout } from '../diffusion/model';
import { type BeliefTable, nearnessTables, type RecallWeights } from '../diffusion/recall';
import { JsonReader } from './jsonReader';

/** What a model folder says about itself in manifest.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** The most tokens of context, everything before the first canvas. */
  readonly contextLength: number;
  /** The part of it that pieces of other files may take; 0 for a model that was trained without any. */
  readonly fileShare: number;
  /** Whether a hole begins with the rest of the token at the cursor; see inference/lead.ts. */
  readonly heals: boolean;
  /** So many tokens of the text below a hole's line are said once more behind the last hole. */
  readonly repeatedBelow: number;
  /** One past the last position the model knows. */
  readonly maxPosition: number;
  readonly layout: ModelLayout;
  readonly contextTokens: ContextTokens;
  readonly decoding: DecodingDefaults;
  /** How far the model shall believe what is recalled of the texts at hand; absent where that was not measured. */
  readonly recall: RecallWeights | undefined;
  readonly files: ReadonlyMap<string, FileRecord>;
}

/** The markers a context is built with. */
export interface ContextTokens {
  readonly prefix: number;
  readonly suffix: number;
  readonly file: number;
  /** By VS Code's language id; "other" stands for all that are not there. */
  readonly language: ReadonlyMap<string, number>;
  /** `hole[i]` marks where hole i is in the text. */
  readonly hole: readonly number[];
}

/** What the model's makers found to work best. */
export interface DecodingDefaults {
  readonly steps: number;
  readonly threshold: number;
  /** How many lengths are tried at temperature 0. */
  readonly lengths: number;
}

export interface FileRecord {
  readonly bytes: number;
  /** Hexadecimal, lower case. */
  readonly sha256: string;
}

/** The format this code reads; another number means another layout of the folder or of the graph. */
const knownFormat = 2;
/** The text around the hole needs room, too. */
const mostFileShare = 0.75;
/** No sequences of more tokens are looked up. */
const longestRecalled = 64;
/** Something has to be left to the model, or nothing else would ever be possible. */
const mostBelief = 0.999;
const requiredFiles = ['model.onnx', 'tokenizer.json'];
/** What usually follows in the training corpus. */
export const ngramsFile = 'ngrams.safetensors';
/** What only GPUs need, and n-grams; folders that were exported without run on the CPU, and do without. */
const optionalFiles = ['model.f16.onnx', 'model.f32.onnx', 'cache.onnx', ngramsFile];

/**
 * @param value the parsed manifest.json.
 * @throws naming the key, what was expected there and what was found.
 */
export function parseManifest(value: unknown): Manifest {
  const reader = new JsonReader(value);
  const format = reader.get('format');
  if (format.integer(0, 1e6) !== knownFormat) {
    throw format.wrong(`${knownFormat} (another format needs another version of Parafill)`);
  }
  const model = reader.get('model');
  const contextLength = model.get('contextLength').integer(32, 1 << 20);
  const layout = parseLayout(model, reader.get('tokens'), reader.get('canvasSizes'));
  const maxPosition = model.get('maxPosition').integer(1, 1 << 24);
  const needed = contextLength + layout.holeStride * (layout.maxHoles - 1) + layout.maxCanvas + 2;
  if (maxPosition < needed) {
    throw model.get('maxPosition').wrong(`at least ${needed}, the positions that contexts and holes take`);
  }
  return {
    name: reader.get('name').string(),
    version: reader.get('version').string(),
    layers: model.get('layers').integer(1, 1000),
    kvHeads: model.get('kvHeads').integer(1, 1000),
    headDim: model.get('headDim').integer(1, 1 << 16),
    contextLength,
    fileShare: reader.keys().includes('fileShare') ? reader.get('fileShare').number(0, mostFileShare) : 0,
    heals: reader.keys().includes('heals') && reader.get('heals').boolean(),
    // Models made before there was such a thing do without.
    repeatedBelow: model.keys().includes('repeatedBelow')
      ? model.get('repeatedBelow').integer(0, contextLength)
      : 0,
    maxPosition,
    layout,
    contextTokens: parseContextTokens(reader.get('tokens'), layout),
    decoding: parseDecoding(reader.get('decoding')),
    recall: reader.keys().includes('recall') ? parseRecall(reader.get('recall')) : undefined,
    files: parseFiles(reader.get('files')),
  };
}

function parseLayout(model: JsonReader, tokens: JsonReader, canvasSizes: JsonReader): ModelLayout {
  const vocabSize = model.get('vocabSize').integer(2, 1 << 24);
  const firstText = tokens.get('firstText').integer(1, vocabSize - 1);
  const maxHoles = model.get('maxHoles').integer(1, 1000);
  const maxCanvas = model.get('maxCanvas').integer(1, 1 << 16);
  const marker = (reader: JsonReader): number => reader.integer(0, firstText - 1);
  const fill = tokens.get('fill').list().map(marker);
  if (fill.length < maxHoles) throw tokens.get('fill').wrong(`${maxHoles} ids, one a hole`);
  const sizes = canvasSizes.list().map((size) => size.integer(1, maxCanvas));
  if (sizes.some((size, i) => i > 0 && size <= sizes[i - 1]!)) throw canvasSizes.wrong('ascending sizes');
  return {
    vocabSize,
    firstText,
    pad: marker(tokens.get('pad')),
    mask: marker(tokens.get('mask')),
    eoh: marker(tokens.get('eoh')),
    fill,
    holeStride: model.get('holeStride').integer(maxCanvas + 2, 1 << 20),
    maxHoles,
    maxCanvas,
    canvasSizes: sizes,
  };
}

function parseContextTokens(tokens: JsonReader, layout: ModelLayout): ContextTokens {
  const marker = (reader: JsonReader): number => reader.integer(0, layout.firstText - 1);
  const hole = tokens.get('hole').list().map(marker);
  if (hole.length < layout.maxHoles) throw tokens.get('hole').wrong(`${layout.maxHoles} ids, one a hole`);
  const languages = tokens.get('language');
  const language = new Map(languages.keys().map((name) => [name, marker(languages.get(name))]));
  if (!language.has('other')) throw languages.wrong('ids by language with one for "other"');
  return {
    prefix: marker(tokens.get('pre')),
    suffix: marker(tokens.get('suf')),
    file: marker(tokens.get('file')),
    language,
    hole,
  };
}

function parseDecoding(decoding: JsonReader): DecodingDefaults {
  return {
    steps: decoding.get('steps').integer(1, 1024),
    threshold: decoding.get('threshold').number(0, 2),
    lengths: decoding.get('lengths').integer(1, 64),
  };
}

function parseRecall(recall: JsonReader): RecallWeights {
  const orders = recall
    .get('orders')
    .list()
    .map((order) => order.integer(1, longestRecalled));
  if (orders.some((order, i) => i > 0 && order <= orders[i - 1]!)) {
    throw recall.get('orders').wrong('ascending numbers of tokens');
  }
  const items = (reader: JsonReader, count: number): JsonReader[] => {
    const found = reader.list();
    if (found.length !== count) throw reader.wrong(`a list of ${count}`);
    return found;
  };
  const tableOf = (reader: JsonReader, rows: number): BeliefTable =>
    items(reader, rows).map((order) =>
      items(order, 3).map((often) => items(often, 3).map((weight) => weight.number(0, mostBelief))),
    );
  return {
    orders,
    weights: items(recall.get('weights'), nearnessTables).map((table) => tableOf(table, orders.length)),
    ngrams: recall.keys().includes('ngrams')
      ? tableOf(recall.get('ngrams'), recall.get('ngrams').list().length)
      : undefined,
  };
}

function parseFiles(files: JsonReader): Map<string, FileRecord> {
  const records = new Map<string, FileRecord>();
  const present = files.keys();
  for (const name of [...requiredFiles, ...optionalFiles.filter((name) => present.includes(name))]) {
    const record = files.get(name);
    const sha256 = record.get('sha256').string();
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw record.get('sha256').wrong('64 lower-case hexadecimal digits');
    records.set(name, { bytes: record.get('bytes').integer(1, Number.MAX_SAFE_INTEGER), sha256 });
  }
  return records;
}
