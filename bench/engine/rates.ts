import { randomFillSync } from 'node:crypto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Matrix, productGraph } from './productGraph';
import { type Rates, type Shape, weightsOf } from './roofline';

/** Tokens in a product that is limited by computing: enough that reading the weights does not count. */
const manyTokens = 512;
/** Keys in a product of attention's kind. */
const manyKeys = 1024;
const warmUps = 3;
const trials = 12;

/**
 * Times bare matrix products with nothing around them:
 * - int8 operations: the model's largest matrix, times many tokens;
 * - float operations: a product of like size;
 * - bytes: a matrix as large as all weights together, times one token, which reads each weight once for
 *   two operations. So it is known what weights of this size can be read with, be it from memory or, where
 *   they fit, from a cache.
 *
 * The fastest of several trials counts, since a limit is asked for.
 */
export async function measureRates(shape: Shape, threads: number): Promise<Rates> {
  const { dim, ffn } = shape;
  const largest = { rows: dim, columns: 2 * ffn };
  const all = { rows: dim, columns: Math.round(weightsOf(shape) / dim) };
  const operations = ({ rows, columns }: { rows: number; columns: number }): number =>
    2 * manyTokens * rows * columns;
  const keys = { rows: dim, columns: manyKeys };
  return {
    int8PerMs: operations(largest) / (await fastest(int8Matrix(largest), manyTokens, threads)),
    floatPerMs: operations(keys) / (await fastest(floatMatrix(keys), manyTokens, threads)),
    bytesPerMs: (all.rows * all.columns) / (await fastest(int8Matrix(all), 1, threads)),
  };
}

/** Milliseconds of the fastest of several products of this matrix with so many tokens. */
async function fastest(matrix: Matrix, tokens: number, threads: number): Promise<number> {
  const session = await InferenceSession.create(productGraph(matrix, tokens), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  try {
    const size = tokens * matrix.rows;
    const shape = [tokens, matrix.rows];
    const input =
      matrix.type === 'int8'
        ? new Tensor('uint8', randomFillSync(new Uint8Array(size)), shape)
        : new Tensor('float32', randomFloats(size), shape);
    let least = Infinity;
    for (let trial = -warmUps; trial < trials; trial++) {
      const started = performance.now();
      await session.run({ input });
      const ms = performance.now() - started;
      if (trial >= 0) least = Math.min(least, ms);
    }
    return least;
  } finally {
    await session.release();
  }
}

function int8Matrix({ rows, columns }: { rows: number; columns: number }): Matrix {
  return { type: 'int8', rows, columns, values: randomFillSync(new Uint8Array(rows * columns)) };
}

function floatMatrix({ rows, columns }: { rows: number; columns: number }): Matrix {
  const values = new Uint8Array(randomFloats(rows * columns).buffer);
  return { type: 'float32', rows, columns, values };
}

/** Numbers from 0 to 1: random bytes would make NaNs and numbers too small to compute with at full speed. */
function randomFloats(length: number): Float32Array {
  return Float32Array.from(randomFillSync(new Uint8Array(length)), (byte) => byte / 255);
}
