import { type Canvas, chunkRows, toBlock } from './canvas';
import { logProbability } from './logits';
import type { KvCache, MaskedDiffusionModel, StopPoll } from './model';

/**
 * Natural-log likelihood of each candidate's fills and their ends, read token by token by the same weights:
 * the energy that ranks candidates of different lengths. All candidates are read in one padded batch.
 *
 * @returns one score a canvas, or undefined when stopped.
 */
export async function score(
  model: MaskedDiffusionModel,
  context: KvCache,
  canvases: readonly Canvas[],
  stop: StopPoll,
): Promise<number[] | undefined> {
  const { vocabSize, pad } = model.layout;
  const scores: number[] = [];
  const rows = canvases.map((canvas) => ({ canvas, wanted: canvas.predictingColumns() }));
  for (const chunk of chunkRows(rows)) {
    // A hole of no tokens and no end is certain: there is nothing to ask the model.
    if (chunk.every((row) => row.wanted.length === 0)) {
      scores.push(...chunk.map(() => 0));
      continue;
    }
    if (await stop()) return undefined;
    const logits = await model.denoise(context, toBlock(chunk, 'causal', pad));
    let row = 0;
    for (const { canvas, wanted } of chunk) {
      let total = 0;
      for (const column of wanted) total += logProbability(logits, row++, vocabSize, canvas.ids[column + 1]!);
      scores.push(total);
    }
  }
  return scores;
}
