import { JsonReader } from '../../server/src/runtime/jsonReader';

/** The network's shape, as far as its work depends on it. */
export interface Shape {
  readonly layers: number;
  readonly dim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ffn: number;
  readonly vocabSize: number;
}

/** A pass over so many tokens, of which so many want logits, behind so many tokens of context. */
export interface Pass {
  readonly tokens: number;
  readonly wanted: number;
  readonly context: number;
}

/** What a pass cannot do without, whoever computes it. A multiplication with its addition counts as 2. */
export interface Work {
  /** Of int8 weights with what flows through them. */
  readonly int8Operations: number;
  /** Of attention: queries with keys, weights with values. */
  readonly floatOperations: number;
  /** Weights, keys and values, each read once. All else is small enough to stay in the processor's caches. */
  readonly bytes: number;
}

/** What a machine reaches at best. */
export interface Rates {
  readonly int8PerMs: number;
  readonly floatPerMs: number;
  readonly bytesPerMs: number;
}

/** Keys and values are float32 in the graph's inputs. */
const bytesPerKeyValue = 4;

/** @param manifest the parsed manifest.json. @throws naming the key that is missing. */
export function shapeOf(manifest: unknown): Shape {
  const model = new JsonReader(manifest).get('model');
  const size = (key: string): number => model.get(key).integer(1, 1 << 24);
  return {
    layers: size('layers'),
    dim: size('dim'),
    heads: size('heads'),
    kvHeads: size('kvHeads'),
    headDim: size('headDim'),
    ffn: size('ffn'),
    vocabSize: size('vocabSize'),
  };
}

/** Weights of one layer: query, key, value and output of the attention; gate, up and down behind it. */
function weightsOfLayer({ dim, heads, kvHeads, headDim, ffn }: Shape): number {
  return dim * headDim * (2 * heads + 2 * kvHeads) + 3 * dim * ffn;
}

/** All weights; that of the embedding is that of the logits, too. */
export function weightsOf(shape: Shape): number {
  return shape.layers * weightsOfLayer(shape) + shape.vocabSize * shape.dim;
}

export function workOf(shape: Shape, { tokens, wanted, context }: Pass): Work {
  const { layers, dim, heads, kvHeads, headDim, vocabSize } = shape;
  return {
    int8Operations: 2 * (tokens * layers * weightsOfLayer(shape) + wanted * vocabSize * dim),
    floatOperations: 4 * layers * heads * headDim * tokens * (context + tokens),
    bytes: weightsOf(shape) + 2 * layers * kvHeads * headDim * context * bytesPerKeyValue,
  };
}

/**
 * The least milliseconds this machine needs for the work (Williams et al. 2009, the roofline model): it
 * computes and reads at the same time, and the slower of the two decides.
 */
export function limitMs(work: Work, rates: Rates): number {
  const computing = work.int8Operations / rates.int8PerMs + work.floatOperations / rates.floatPerMs;
  return Math.max(computing, work.bytes / rates.bytesPerMs);
}
