import type { KvCache, Logits, MaskedDiffusionModel, StopPoll, TokenBlock } from '../diffusion/model';

/** So many tokens of each row are compared, the likeliest ones: unlikely ones differ more and matter less. */
const compared = 8;

const goOn: StopPoll = () => Promise.resolve(false);

/** The logits of a few tokens, copied: a model's own are valid only until its next pass. */
export type GoldenLogits = readonly Logits[];

/** The context's ids, encoded from scratch or from what is known of them. */
export async function encode(model: MaskedDiffusionModel, ids: Int32Array): Promise<KvCache> {
  const encoded = await model.encode(ids, goOn);
  if (encoded === undefined) throw new Error('The encoding was stopped, although nobody stops it');
  return encoded.cache;
}

/** Rows of masks behind the context.. */
export function canvasBlock(
  model: MaskedDiffusionModel,
  context: number,
  rows: number,
  columns: number,
): TokenBlock {
  const { fill, mask } = model.layout;
  const size = rows * columns;
  return {
    rows,
    columns,
    ids: Int32Array.from({ length: size }, (_, i) => (i % columns === 0 ? fill[0]! : mask)),
    positions: Int32Array.from({ length: size }, (_, i) => context + (i % columns)),
    order: new Int32Array(size),
    wanted: Int32Array.of(0, 1, size - 1),
  };
}

/** Text behind the context, row by row, read causally; the last logits of each row are wanted. */
function textBlock(
  context: readonly number[],
  ids: readonly (readonly number[])[],
): TokenBlock & { readonly counts: Int32Array } {
  const columns = ids[0]!.length;
  const each = (value: (row: number, column: number) => number): Int32Array =>
    Int32Array.from({ length: ids.length * columns }, (_, i) => value(Math.floor(i / columns), i % columns));
  return {
    rows: ids.length,
    columns,
    ids: each((row, column) => ids[row]![column]!),
    positions: each((row, column) => context[row]! + column),
    order: each((_, column) => column),
    wanted: Int32Array.from(ids, (_, row) => row * columns + columns - 1),
    counts: Int32Array.from(ids, () => columns),
  };
}

/**
 * Every kind of pass once, and every way to change a cache: encoding, appending, a canvas, cutting, rows of their own
 * that grow by different lengths and are dropped.
 *
 * @param ids at least 16 tokens of text.
 */
export async function everyPass(model: MaskedDiffusionModel, ids: Int32Array): Promise<GoldenLogits> {
  const found: Logits[] = [];
  const keep = (logits: Logits): void => {
    found.push(logits.slice());
  };
  await encode(model, ids.subarray(0, 8));
  const cache = await encode(model, ids.subarray(0, 12));
  keep(await model.denoise(cache, canvasBlock(model, 12, 2, 5)));
  keep(await model.extend(cache, textBlock([12], [[...ids.subarray(12, 15)]])));
  model.truncate(cache, 12);
  if (model.mostRows(cache, 4) >= 2) {
    const rows = model.fork(cache, 2, 4);
    const [a, b, c, d] = ids.subarray(12, 16) as unknown as [number, number, number, number];
    const two = textBlock([12, 12], [[a, b], [c, d]]); // prettier-ignore
    keep(await model.extendRows(rows, two, Int32Array.of(2, 1)));
    rows.drop(0);
    const one = textBlock([13], [[b]]);
    keep(await model.extendRows(rows, one, one.counts));
  }
  keep(await model.denoise(cache, canvasBlock(model, 12, 1, 5)));
  return found;
}

/**
 * The largest difference of log-probabilities among the tokens that are likely by `expected`.
 *
 * @throws where a number is none.
 */
export function largestDifference(expected: GoldenLogits, found: GoldenLogits, vocabSize: number): number {
  let largest = 0;
  for (const [pass, logits] of expected.entries()) {
    const other = found[pass]!;
    if (!other.every(Number.isFinite)) throw new Error('expected finite logits, but found NaN or infinity');
    for (let start = 0; start < logits.length; start += vocabSize) {
      const values = logits.subarray(start, start + vocabSize);
      const likely = [...values.keys()].sort((a, b) => values[b]! - values[a]!).slice(0, compared);
      for (const id of likely) largest = Math.max(largest, Math.abs(other[start + id]! - values[id]!));
    }
  }
  return largest;
}
