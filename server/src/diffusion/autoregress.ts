import type { KvRows, MaskedDiffusionModel, ModelLayout, StopPoll } from './model';
import { causalBlock, limitOf, Reading, type ReadingStart, samplersFor } from './reading';
import { rowRandom } from './rng';
import { type Filled, type InfillTask, leadOf, type ProgressReport } from './task';

/**
 * The rival: the same weights read token by token, hole after hole. All candidates are read in one batch, each
 * with keys and values of its own behind those of the context; whoever is done drops out. Known lengths are ignored.
 *
 * Above temperature 0 one answer is drawn per candidate, and a hole ends where an end is drawn. At temperature 0 there is
 * one answer of the likeliest tokens, or as many as `task.ways` says, that begin with other tokens each, and then, where
 * there is time, as many as `task.turnings` says, that leave these at another token; and a hole ends where the whole of
 * it is likeliest: it is read on until its beginning alone is less likely than the best whole. (To end where an end is
 * the likeliest token would not do: each token behind a hole is likely once the one before it is there, so that ends are
 * missed; models/LOG.md.) Behind a beginning that is less likely than `task.least` nothing is read.
 *
 * Where there is no time for another pass, what was read by then is the answer, and not complete.
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
  const isDrawn = task.temperature > 0;
  const count = isDrawn ? task.candidates : (task.ways ?? 1);
  const samplers = samplersFor(task, model.layout);
  const read = (start: ReadingStart, row: number): Reading =>
    new Reading(model.layout, task, samplers, rowRandom(task.seed, row), start);
  const readings = Array.from({ length: count }, (_, row) =>
    read(isDrawn || task.ways === undefined ? {} : { way: row }, row),
  );
  let steps = await readAll(model, task, readings, stop, () => report?.(readings[0]!.fills()));
  if (steps === undefined) return undefined;
  const turnings = readings.flatMap((reading) => reading.turnings).sort((a, b) => b.sum - a.sum);
  const more = turnings.slice(0, task.turnings ?? 0).map((turning) => read({ turning }, 0));
  // They take about as many passes as the ways that they leave.
  if (more.length > 0 && steps <= (task.affordable?.(more.length) ?? Infinity)) {
    const passes = await readAll(model, task, more, stop);
    if (passes === undefined) return undefined;
    readings.push(...more);
    steps += passes;
  }
  const candidates = readings.map((reading) => reading.candidate());
  return { candidates, steps, denoiseMs: performance.now() - started, rankMs: 0 };
}

/** Reads in as large batches as there is memory for. @returns how many passes it took, or undefined when stopped. */
async function readAll(
  model: MaskedDiffusionModel,
  task: InfillTask,
  readings: readonly Reading[],
  stop: StopPoll,
  report?: () => void,
): Promise<number | undefined> {
  let passes = 0;
  const room = roomFor(task, model.layout);
  const most = model.mostRows(task.context, room);
  for (let first = 0; first < readings.length; first += most) {
    const batch = readings.slice(first, first + most);
    const rows = model.fork(task.context, batch.length, room);
    while (batch.length > 0) {
      if (await stop()) return undefined;
      await readOn(model, rows, batch);
      passes += 1;
      report?.();
      if ((task.affordable?.(batch.length) ?? Infinity) < 1) {
        for (const reading of batch.splice(0)) reading.giveUp();
      }
    }
  }
  return passes;
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
