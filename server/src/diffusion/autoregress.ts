import { allowOnly, logProbability } from './logits';
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
 * with keys and values of its own behind those of the context; whoever is done drops out. At temperature 0
 * there is one answer; above it one is drawn per candidate. Known lengths are ignored, a hole ends where the
 * model ends it.
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
  for (const [row, reading] of batch.entries()) reading.choose(logits, row);
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

  choose(logits: Logits, row: number): void {
    const { vocabSize, eoh } = this.layout;
    const hole = this.tokens.length - 1;
    const fill = this.tokens[hole]!;
    const sampler = fill.length === 0 ? this.samplers.first : this.samplers.later;
    const opening = fill.length === 0 ? this.task.openings?.[hole] : undefined;
    if (opening !== undefined) allowOnly(logits, row, vocabSize, opening);
    const { token, confidence } = sampler.choose(logits, row, this.random);
    this.logProbabilities[hole]!.push(logProbability(logits, row, vocabSize, token));
    this.unread = [{ id: token, position: this.unread.at(-1)!.position + 1 }];
    const ended = token === eoh;
    if (!ended) {
      fill.push(token);
      this.confidences[hole]!.push(confidence);
    }
    const limit = limitOf(this.task, hole, this.layout);
    if (!ended && fill.length < limit) return;
    this.complete &&= ended;
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
