import { Canvas, chunkRows, toBlock, predictingColumn } from './canvas';
import { allowOnly } from './logits';
import { drawLength, type LengthDistribution, likeliestLengths } from './lengths';
import type { MaskedDiffusionModel, StopPoll } from './model';
import { noProbe, type Probe, probeLengths } from './probe';
import { mixInto } from './recall';
import { type Random, rowRandom } from './rng';
import { Sampler } from './sampler';
import { DenoisingSchedule, type Proposal } from './schedule';
import { score } from './score';
import {
  canvasLimits,
  type Filled,
  type FilledCandidate,
  type InfillTask,
  leadOf,
  type ProgressReport,
} from './task';

/** A candidate in the making. */
interface Draft {
  readonly canvas: Canvas;
  readonly random: Random;
  /** float64 [columns]: of decided tokens, how sure the model was of them. */
  readonly confidences: Float64Array;
}

/**
 * Fills all holes jointly by denoising: the first step reads fully masked canvases and finds how long the holes are,
 * the others decide the tokens of the likeliest lengths, all in one batch over one context. Where the lengths are known,
 * every step decides tokens.
 *
 * @param report is shown the first candidate, whose lengths are the likeliest; which one is the best is known
 *   at the end only, and one that changed its length from pass to pass could not be watched.
 * @returns undefined when stopped, which is polled before every pass.
 */
export async function infill(
  model: MaskedDiffusionModel,
  task: InfillTask,
  stop: StopPoll,
  report?: ProgressReport,
): Promise<Filled | undefined> {
  const { layout } = model;
  const started = performance.now();
  const limits = canvasLimits(task, layout);
  const sampler = new Sampler(task.temperature, task.topP, layout.vocabSize, layout.firstText);

  const probe = task.lengths === undefined ? await probeLengths(model, task, limits, stop) : noProbe;
  if (probe === undefined) return undefined;
  const drafts = startDrafts(model, task, probe.distributions, limits);

  let { steps } = probe;
  if (steps === task.steps) {
    recallFirst(task, probe, layout.vocabSize);
    for (const draft of drafts) decideFromProbe(draft, sampler, probe);
  } else {
    report?.(drafts[0]!.canvas.fills());
    const left = stepsFor(task, drafts) - steps;
    const passes = await denoise(model, { ...task, steps: left }, drafts, sampler, stop, report);
    if (passes === undefined) return undefined;
    steps += passes;
  }

  const denoised = performance.now();
  const distinct = alike(drafts);
  const scores = await score(
    model,
    task.context,
    distinct.map(([draft]) => draft!.canvas),
    stop,
    task.memories,
  );
  if (scores === undefined) return undefined;
  const scoreOf = new Map(distinct.flatMap((group, i) => group.map((draft) => [draft, scores[i]!])));
  return {
    candidates: drafts.map((draft) => toCandidate(draft, scoreOf.get(draft)!)),
    steps,
    denoiseMs: denoised - started,
    rankMs: performance.now() - denoised,
  };
}

/** One draft a hypothesis about the lengths: the likeliest at temperature 0, drawn ones above it. */
function startDrafts(
  model: MaskedDiffusionModel,
  task: InfillTask,
  distributions: readonly LengthDistribution[],
  limits: readonly number[],
): Draft[] {
  const start = (random: Random, lengths: readonly number[]): Draft => {
    const canvas = new Canvas(
      model.layout,
      task.context.length,
      lengths.map((length, hole) => ({
        anchor: task.block?.anchor,
        lead: leadOf(task, hole),
        opening: task.openings?.[hole],
        length: Math.min(length, limits[hole]!),
        end: task.lengths !== undefined || length < limits[hole]!,
      })),
    );
    return { canvas, random, confidences: new Float64Array(canvas.columns) };
  };
  if (task.temperature > 0) {
    return Array.from({ length: task.candidates }, (_, row) => {
      const random = rowRandom(task.seed, row);
      const lengths = task.lengths ?? distributions.map((distribution) => drawLength(distribution, random));
      return start(random, lengths);
    });
  }
  return hypotheses(task, distributions).map((lengths, row) => start(rowRandom(task.seed, row), lengths));
}

/** The lengths that are tried at temperature 0. */
function hypotheses(
  task: InfillTask,
  distributions: readonly LengthDistribution[],
): readonly (readonly number[])[] {
  if (task.lengths !== undefined) return [task.lengths];
  const count = task.steps === 1 && task.candidates === 1 ? 1 : Math.max(task.hypotheses, task.candidates);
  const likeliest = (laws: readonly LengthDistribution[]): (readonly number[])[] =>
    likeliestLengths(laws, count)
      // Where there are few lengths at all, impossible ones would be among the likeliest.
      .filter(({ probability }, i) => i === 0 || probability > 0)
      .map(({ lengths }) => lengths);
  const [law] = distributions;
  if (law === undefined || task.block?.isLast !== false) return likeliest(distributions);
  // Likelihoods of a whole fill and of the beginning of a longer one cannot be compared, chances can.
  const goesOn = law.at(-1)! > 1 / 2;
  return goesOn ? [[law.length - 1]] : likeliest([law.subarray(0, -1)]);
}

function stepsFor(task: InfillTask, drafts: readonly Draft[]): number {
  const tokens = drafts.length * Math.max(...drafts.map(({ canvas }) => canvas.columns));
  return Math.min(task.steps, Math.max(2, task.affordable?.(tokens) ?? task.steps));
}

/** Mixes what is recalled into the logits of each hole's first token, before which everything is known. */
function recallFirst({ memories }: InfillTask, { logits, firstRows }: Probe, vocabSize: number): void {
  for (const [hole, row] of firstRows.entries()) mixInto(logits, row, vocabSize, memories?.[hole]?.at([]));
}

/** Where there is one step only, the tokens come from the same logits as the lengths. */
function decideFromProbe(draft: Draft, sampler: Sampler, { logits, firstRows }: Probe): void {
  for (const [hole, { start, length }] of draft.canvas.spans.entries()) {
    for (let j = 0; j < length; j++) {
      const choice = sampler.choose(logits, firstRows[hole]! + j, draft.random);
      decide(draft, { column: start + 1 + j, ...choice });
    }
  }
}

/** Runs the passes that decide tokens. @returns how many were needed, or undefined when stopped. */
async function denoise(
  model: MaskedDiffusionModel,
  task: InfillTask,
  drafts: readonly Draft[],
  sampler: Sampler,
  stop: StopPoll,
  report?: ProgressReport,
): Promise<number | undefined> {
  const { pad, vocabSize } = model.layout;
  const schedule = new DenoisingSchedule(task.steps, task.threshold);
  let pass = 0;
  for (; pass < schedule.passes; pass++) {
    const open = alike(drafts)
      .map((group) => {
        const { canvas } = group[0]!;
        const masked = canvas.maskedColumns();
        return { group, canvas, masked, wanted: masked.map(predictingColumn) };
      })
      .filter((row) => row.masked.length > 0);
    if (open.length === 0) break;
    for (const chunk of chunkRows(open)) {
      if (await stop()) return undefined;
      const logits = await model.denoise(task.context, toBlock(chunk, 'both', pad));
      let row = 0;
      for (const { group, canvas, masked } of chunk) {
        const proposals = group.map((): Proposal[] => []);
        for (const column of masked) {
          const allowed = canvas.allowedAt(column);
          if (allowed !== undefined) allowOnly(logits, row, vocabSize, allowed);
          const known = task.memories && canvas.knownBefore(column);
          const recollection = known && task.memories[known.hole]?.at(known.tokens, known.fromStart);
          mixInto(logits, row, vocabSize, recollection);
          const choose = sampler.chooserOf(logits, row++);
          for (const [i, draft] of group.entries()) proposals[i]!.push({ column, ...choose(draft.random) });
        }
        for (const [i, draft] of group.entries()) {
          for (const proposal of schedule.select(proposals[i]!, pass)) decide(draft, proposal);
        }
      }
    }
    report?.(drafts[0]!.canvas.fills());
  }
  return pass;
}

/**
 * Drafts by what the model would read of them, which it then reads once. Candidates of one length begin alike and
 * stay so while they draw the same tokens.
 */
function alike<T extends Pick<Draft, 'canvas'>>(drafts: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const draft of drafts) {
    const { key } = draft.canvas;
    groups.set(key, [...(groups.get(key) ?? []), draft]);
  }
  return [...groups.values()];
}

function decide(draft: Draft, { column, token, confidence }: Proposal): void {
  draft.canvas.write(column, token);
  draft.confidences[column] = confidence;
}

function toCandidate(
  { canvas, confidences }: Draft,
  logProbabilities: readonly Float64Array[],
): FilledCandidate {
  return {
    fills: canvas.fills(),
    confidences: canvas.spans.map(({ start, length }) => confidences.slice(start + 1, start + 1 + length)),
    logProbabilities,
    complete: canvas.complete,
    score: logProbabilities.flatMap((hole) => [...hole]).reduce((sum, value) => sum + value, 0),
  };
}
