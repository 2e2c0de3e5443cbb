import { infill } from './infill';
import type { MaskedDiffusionModel, ModelLayout, StopPoll, TokenBlock } from './model';
import { rowSeed } from './rng';
import {
  type Filled,
  type FilledCandidate,
  type InfillTask,
  leadOf,
  mostTokens,
  type ProgressReport,
} from './task';

/** The temperature of further candidates where none is asked for. */
const drawn = 0.7;

/** Whether the task is about one hole that may get longer than any canvas. */
export function isForBlocks(task: InfillTask, { maxCanvas }: ModelLayout): boolean {
  return task.holes === 1 && task.maxTokens[0]! > maxCanvas && task.lengths === undefined;
}

/**
 * Fills one long hole canvas by canvas: what a canvas came to is read causally and appended to the context,
 * then the next one begins behind its last token. Each block takes up to `steps` passes. The hole ends where
 * the model ends it, at its limit, or before a block that only repeats what stands before it.
 *
 * Every candidate goes a way of its own. At temperature 0 the first one takes what is likeliest, and where that comes
 * to an end in its first block, the lengths tried there are the candidates; else the others are drawn, so that they
 * differ from the beginning on. Further ways that there is no time for are not gone.
 *
 * @param report is shown the way that is being gone.
 * @returns undefined when stopped, which is polled before every pass. The context is left as it was.
 */
export async function fillBlocks(
  model: MaskedDiffusionModel,
  task: InfillTask,
  stop: StopPoll,
  report?: ProgressReport,
): Promise<Filled | undefined> {
  const contextLength = task.context.length;
  const ways = task.candidates;
  const found: Filled[] = [];
  try {
    for (let way = 0; way < ways; way++) {
      if (way > 0 && (task.affordable?.(blockSize(model.layout)) ?? Infinity) < 2) break;
      model.truncate(task.context, contextLength);
      const isLikeliest = way === 0 && task.temperature === 0;
      const seedOf = (block: number): number => rowSeed(task.seed, way + ways * block);
      const part = isLikeliest ? task : { ...task, candidates: 1, temperature: task.temperature || drawn };
      const gone = await goOneWay(model, part, seedOf, stop, report);
      if (gone === undefined) return undefined;
      if (isLikeliest && (gone.blocks === 1 || ways === 1)) return gone.filled;
      found.push(gone.filled);
    }
  } finally {
    model.truncate(task.context, contextLength);
  }
  return inAll(
    found,
    found.map(({ candidates }) =>
      candidates.reduce((best, other) => (other.score > best.score ? other : best)),
    ),
  );
}

interface GoneWay {
  readonly filled: Filled;
  /** How many blocks it took. */
  readonly blocks: number;
}

/** @param seedOf the seed of each block. */
async function goOneWay(
  model: MaskedDiffusionModel,
  task: InfillTask,
  seedOf: (block: number) => number,
  stop: StopPoll,
  report?: ProgressReport,
): Promise<GoneWay | undefined> {
  const { layout } = model;
  const limit = Math.min(task.maxTokens[0]!, mostTokens(task, layout));
  const efforts: Filled[] = [];
  let known: FilledCandidate = {
    fills: [new Int32Array()],
    confidences: [new Float64Array()],
    logProbabilities: [new Float64Array()],
    complete: false,
    score: 0,
  };
  let lead = leadOf(task, 0);
  let openings = task.openings ?? [];
  let anchor: number | undefined;
  for (;;) {
    const before = known;
    const left = limit - before.fills[0]!.length;
    const size = Math.min(left, Math.max(1, blockSize(layout) - lead.length));
    const block = { anchor, isLast: size === left };
    const part: InfillTask = {
      ...task,
      ...(task.memories && known.fills[0]!.length > 0
        ? { memories: task.memories.map((memory) => memory.behind(before.fills[0]!)) }
        : {}),
      leads: [lead],
      openings,
      maxTokens: [size],
      seed: seedOf(efforts.length),
      block,
    };
    const filled = await infill(model, part, stop, ([fill]) => report?.([joined(before.fills[0]!, fill!)]));
    if (filled === undefined) return undefined;
    efforts.push(filled);
    const candidates = filled.candidates.map((candidate) => behind(before, candidate));
    const [first] = candidates;
    const blocks = efforts.length;
    if (block.isLast || first!.complete) return { filled: inAll(efforts, candidates), blocks };
    const tokens = filled.candidates[0]!.fills[0]!;
    if (repeats(before.fills[0]!, tokens)) return { filled: inAll(efforts, [before]), blocks };

    if (await stop()) return undefined;
    const read = [anchor ?? layout.fill[0]!, ...lead, ...tokens.subarray(0, -1)];
    await model.extend(task.context, causalRow(read, task.context.length));
    known = first!;
    lead = new Int32Array();
    openings = [];
    anchor = tokens.at(-1);
  }
}

/**
 * Tokens of one block, its lead included: half of what a canvas may hold. Longer ones would save few passes
 * and decide more tokens without knowing their neighbours.
 */
function blockSize({ canvasSizes, maxCanvas }: ModelLayout): number {
  return canvasSizes.findLast((size) => 2 * size <= maxCanvas) ?? maxCanvas;
}

/** Whether every token of the block is the one so many places before it, for some number of places. */
function repeats(before: Int32Array, block: Int32Array): boolean {
  const all = joined(before, block);
  for (let period = 1; period <= Math.min(before.length, block.length); period++) {
    if (block.every((token, i) => token === all[before.length + i - period])) return true;
  }
  return false;
}

function behind(before: FilledCandidate, block: FilledCandidate): FilledCandidate {
  return {
    fills: [joined(before.fills[0]!, block.fills[0]!)],
    confidences: [Float64Array.of(...before.confidences[0]!, ...block.confidences[0]!)],
    logProbabilities: [Float64Array.of(...before.logProbabilities[0]!, ...block.logProbabilities[0]!)],
    complete: block.complete,
    score: before.score + block.score,
  };
}

/** One row of tokens at consecutive positions, which are those of their places in the cache. */
function causalRow(ids: readonly number[], at: number): TokenBlock {
  return {
    rows: 1,
    columns: ids.length,
    ids: Int32Array.from(ids),
    positions: Int32Array.from(ids, (_, i) => at + i),
    order: Int32Array.from(ids, (_, i) => i),
    // The graph computes logits for at least one token; here nobody wants them.
    wanted: Int32Array.of(0),
  };
}

function joined(a: Int32Array, b: Int32Array): Int32Array {
  return Int32Array.of(...a, ...b);
}

/** These candidates, for all these efforts. */
function inAll(efforts: readonly Filled[], candidates: readonly FilledCandidate[]): Filled {
  const sum = (value: (effort: Filled) => number): number =>
    efforts.reduce((total, effort) => total + value(effort), 0);
  return {
    candidates,
    steps: sum(({ steps }) => steps),
    denoiseMs: sum(({ denoiseMs }) => denoiseMs),
    rankMs: sum(({ rankMs }) => rankMs),
  };
}
