import { type Canvas, chunkRows, toBlock } from './canvas';
import { allowOnly, logProbability } from './logits';
import { withRecollection } from './recall';
import type { HoleMemory } from './holeMemory';
import type { KvCache, MaskedDiffusionModel, StopPoll } from './model';

/**
 * Natural-log likelihoods of each candidate's tokens and ends, read token by token by the same weights: their sum
 * is the energy that ranks candidates of different lengths. All candidates are read in one padded batch.
 *
 * @param memories of each hole, where something may be recalled.
 * @returns for each canvas and hole float64 [tokens, and one more for the end where it has one], or undefined when
 *   stopped.
 */
export async function score(
  model: MaskedDiffusionModel,
  context: KvCache,
  canvases: readonly Canvas[],
  stop: StopPoll,
  memories?: readonly HoleMemory[],
): Promise<Float64Array[][] | undefined> {
  const { vocabSize, pad } = model.layout;
  const scores: Float64Array[][] = [];
  const rows = canvases.map((canvas) => ({ canvas, wanted: canvas.predictingColumns() }));
  for (const chunk of chunkRows(rows)) {
    // A hole of no tokens and no end is certain: there is nothing to ask the model.
    if (chunk.every((row) => row.wanted.length === 0)) {
      scores.push(...chunk.map(({ canvas }) => canvas.spans.map(() => new Float64Array())));
      continue;
    }
    if (await stop()) return undefined;
    const logits = await model.denoise(context, toBlock(chunk, 'causal', pad));
    let row = 0;
    for (const { canvas } of chunk) {
      scores.push(
        canvas.spans.map(({ start, length, end, opening }, hole) => {
          if (opening !== undefined && length > 0) allowOnly(logits, row, vocabSize, opening.ids);
          return Float64Array.from({ length: length + (end ? 1 : 0) }, (_, i) => {
            const token = canvas.ids[start + i + 1]!;
            const recollection = memories?.[hole]?.at(canvas.ids.subarray(start + 1, start + 1 + i));
            const share = i === 0 ? (opening?.logShare ?? 0) : 0;
            return (
              share + withRecollection(logProbability(logits, row++, vocabSize, token), token, recollection)
            );
          });
        }),
      );
    }
  }
  return scores;
}
