import type { KvRows, MaskedDiffusionModel, ModelLayout, StopPoll } from './model';
import { causalBlock, limitOf, Reading, samplersFor } from './reading';
import { rowRandom } from './rng';
import { type Filled, type InfillTask, leadOf, type ProgressReport } from './task';

/**
 * The rival: the same weights read token by token, hole after hole. All candidates are read in one batch, each
 * with keys and values of its own behind those of the context; whoever is done drops out. Known lengths are ignored.
 *
 * Above temperature 0 one answer is drawn per candidate, and a hole ends where an end is drawn. At temperature 0 there is
 * one answer of the likeliest tokens, or as many as `task.ways` says, that begin with other tokens each; and a hole ends
 * where the whole of it is likeliest: it is read on until its beginning alone is less likely than the best whole. (To end
 * where an end is the likeliest token would not do: each token behind a hole is likely once the one before it is there,
 * so that ends are missed; models/LOG.md.)
 *
 * @param report is shown the first candidate.
 * @returns undefined when stopped, which is polled before every pass.
 */
export async function autoregress(
  model: MaskedDiffusionModel,
  task: InfillTask,
  stop: StopPoll,
  report?: ProgressReport,
): Promise<Filled | undefined> {
  const started = performance.now();
  const count = task.temperature > 0 ? task.candidates : (task.ways ?? 1);
  const samplers = samplersFor(task, model.layout);
  const readings = Array.from({ length: count }, (_, row) => {
    const way = task.temperature > 0 ? 0 : row;
    return new Reading(model.layout, task, samplers, rowRandom(task.seed, row), way);
  });
  let steps = 0;
  const room = roomFor(task, model.layout);
  const most = model.mostRows(task.context, room);
  for (let first = 0; first < count; first += most) {
    const batch = readings.slice(first, first + most);
    const rows = model.fork(task.context, batch.length, room);
    while (batch.length > 0) {
      if (await stop()) return undefined;
      await readOn(model, rows, batch);
      steps += 1;
      report?.(readings[0]!.fills());
    }
  }
  const candidates = readings.map((reading) => reading.candidate());
  return { candidates, steps, denoiseMs: performance.now() - started, rankMs: 0 };
}

/** The most that a row reads: each hole's marker, lead and tokens. */
function roomFor(task: InfillTask, layout: ModelLayout): number {
  return task.maxTokens.reduce(
    (sum, _, hole) => sum + 1 + leadOf(task, hole).length + limitOf(task, hole, layout),
    0,
  );
}

/** One more token of every row; rows that are done leave the batch. */
async function readOn(model: MaskedDiffusionModel, rows: KvRows, batch: Reading[]): Promise<void> {
  const unread = batch.map((reading) => reading.unread);
  const counts = Int32Array.from(unread, (tokens) => tokens.length);
  const logits = await model.extendRows(rows, causalBlock(unread, model.layout.pad), counts);
  for (const [row, reading] of batch.entries()) rows.shorten(row, reading.choose(logits, row));
  for (let row = batch.length - 1; row >= 0; row--) {
    if (!batch[row]!.isDone) continue;
    rows.drop(row);
    const last = batch.pop()!;
    if (row < batch.length) batch[row] = last;
  }
}
