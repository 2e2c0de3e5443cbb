import { allowOnly, logProbability as logProbabilityOf } from './logits';
import type { KvRows, Logits, MaskedDiffusionModel, ModelLayout, StopPoll, TokenBlock } from './model';
import { type Random, rowRandom } from './rng';
import { Sampler } from './sampler';
import {
  type Filled,
  type FilledCandidate,
  type InfillTask,
  leadOf,
  mostTokens,
  type ProgressReport,
} from './task';

/**
 * The rival: the same weights read token by token, hole after hole. All candidates are read in one batch, each
 * with keys and values of its own behind those of the context; whoever is done drops out. Known lengths are ignored.
 *
 * Above temperature 0 one answer is drawn per candidate, and a hole ends where an end is drawn. At temperature 0 there is
 * one answer of the likeliest tokens, and a hole ends where the whole of it is likeliest: it is read on until its
 * beginning alone is less likely than the best whole. (To end where an end is the likeliest token would not do: each
 * token behind a hole is likely once the one before it is there, so that ends are missed; models/LOG.md.)
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
  const count = task.temperature > 0 ? task.candidates : 1;
  const { vocabSize, firstText, eoh } = model.layout;
  const samplers: Samplers = {
    first: new Sampler(task.temperature, task.topP, vocabSize, firstText),
    later: new Sampler(task.temperature, task.topP, vocabSize, firstText, eoh),
  };
  const readings = Array.from(
    { length: count },
    (_, row) => new Reading(model.layout, task, samplers, rowRandom(task.seed, row)),
  );
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

/** The most tokens of a hole. */
function limitOf(task: InfillTask, hole: number, layout: ModelLayout): number {
  return Math.min(task.maxTokens[hole]!, mostTokens(task, layout));
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

/** A hole is never empty: its first token is no end. */
interface Samplers {
  readonly first: Sampler;
  readonly later: Sampler;
}

interface PlacedToken {
  readonly id: number;
  readonly position: number;
}

/** One candidate while it is read. */
class Reading {
  /**
   * What the model has to read before it can say the next token: the one it said last, and at the start of a
   * hole the marker and the lead, too, so that the end of a hole and the start of the next take one pass.
   */
  unread: PlacedToken[] = [];
  isDone = false;

  private readonly tokens: number[][] = [];
  private readonly confidences: number[][] = [];
  private readonly logProbabilities: number[][] = [];
  private complete = true;
  /** Natural-log probability of the hole's tokens so far. */
  private sum = 0;
  /** The beginning of the hole that is the likeliest whole hole: how many tokens, the end's share, and all together. */
  private likeliest = { length: 0, end: 0, score: -Infinity };

  constructor(
    private readonly layout: ModelLayout,
    private readonly task: InfillTask,
    private readonly samplers: Samplers,
    private readonly random: Random,
  ) {
    this.open();
  }

  /** The tokens of all holes so far. */
  fills(): Int32Array[] {
    return this.tokens.map((fill) => Int32Array.from(fill));
  }

  candidate(): FilledCandidate {
    return {
      fills: this.fills(),
      confidences: this.confidences.map((hole) => Float64Array.from(hole)),
      logProbabilities: this.logProbabilities.map((hole) => Float64Array.from(hole)),
      complete: this.complete,
      score: this.logProbabilities.flat().reduce((sum, value) => sum + value, 0),
    };
  }

  /** Decides what follows. @returns how many of the tokens read last are no part of the hole after all. */
  choose(logits: Logits, row: number): number {
    const { vocabSize, eoh } = this.layout;
    const hole = this.tokens.length - 1;
    const fill = this.tokens[hole]!;
    const opening = this.task.openings?.[hole];
    if (opening !== undefined && fill.length === 0) allowOnly(logits, row, vocabSize, opening.ids);
    const isEmpty = fill.length === 0 || (fill.length === 1 && fill[0] === opening?.bare);
    const isDrawn = this.task.temperature > 0;
    const sampler = isDrawn && !isEmpty ? this.samplers.later : this.samplers.first;
    const { token, confidence } = sampler.choose(logits, row, this.random);
    const logProbability = logProbabilityOf(logits, row, vocabSize, token);
    if (!isDrawn && !isEmpty) {
      this.considerEnd(logProbabilityOf(logits, row, vocabSize, eoh));
      // What goes on is less likely still than its beginning.
      if (this.sum + logProbability <= this.likeliest.score) return this.endAtLikeliest();
    }
    const position = this.unread.at(-1)!.position + 1;
    if (token === eoh) {
      this.end(logProbability, position);
      return 0;
    }
    fill.push(token);
    this.confidences[hole]!.push(confidence);
    this.logProbabilities[hole]!.push(logProbability);
    this.sum += logProbability;
    this.unread = [{ id: token, position }];
    if (fill.length < limitOf(this.task, hole, this.layout)) return 0;
    this.complete = false;
    this.next();
    return 0;
  }

  /** Remembers the tokens so far as a whole hole, if none of its beginnings is a likelier one. */
  private considerEnd(end: number): void {
    if (this.sum + end <= this.likeliest.score) return;
    this.likeliest = { length: this.tokens.at(-1)!.length, end, score: this.sum + end };
  }

  private endAtLikeliest(): number {
    const { length, end } = this.likeliest;
    const tooMany = this.tokens.at(-1)!.length - length;
    for (const values of [this.tokens, this.confidences, this.logProbabilities])
      values.at(-1)!.length = length;
    this.end(end, this.unread.at(-1)!.position + 1 - tooMany);
    return tooMany;
  }

  private end(logProbability: number, position: number): void {
    this.logProbabilities.at(-1)!.push(logProbability);
    this.unread = [{ id: this.layout.eoh, position }];
    this.next();
  }

  private next(): void {
    if (this.tokens.length < this.task.holes) this.open();
    else this.isDone = true;
  }
  /** Begins the next hole. */
  private open(): void {
    const { layout, task } = this;
    const hole = this.tokens.length;
    const marker = task.context.length + layout.holeStride * hole;
    for (const [i, id] of [layout.fill[hole]!, ...leadOf(task, hole)].entries()) {
      this.unread.push({ id, position: marker + i });
    }
    this.sum = 0;
    this.likeliest = { length: 0, end: 0, score: -Infinity };
    this.tokens.push([]);
    this.confidences.push([]);
    this.logProbabilities.push([]);
  }
}

/** Rows read in order, the logits behind the last token of each wanted. */
function causalBlock(rows: readonly (readonly PlacedToken[])[], pad: number): TokenBlock {
  const columns = Math.max(...rows.map((tokens) => tokens.length));
  const size = rows.length * columns;
  const ids = new Int32Array(size).fill(pad);
  const positions = new Int32Array(size);
  for (const [row, tokens] of rows.entries()) {
    for (const [column, { id, position }] of tokens.entries()) {
      ids[row * columns + column] = id;
      positions[row * columns + column] = position;
    }
  }
  return {
    rows: rows.length,
    columns,
    ids,
    positions,
    order: Int32Array.from(ids, (_, i) => i % columns),
    wanted: Int32Array.from(rows, (tokens, row) => row * columns + tokens.length - 1),
  };
}
