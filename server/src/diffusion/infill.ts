import { Canvas, chunkRows, toBlock, predictingColumn } from './canvas';
import { drawLength, type LengthDistribution, lengthDistribution, likeliestLengths } from './lengths';
import type { KvCache, Logits, MaskedDiffusionModel, StopPoll } from './model';
import { type Random, rowRandom } from './rng';
import { Sampler } from './sampler';
import { DenoisingSchedule, type Proposal } from './schedule';
import { score } from './score';

/** How holes behind one context shall be filled. */
export interface InfillTask {
  readonly context: KvCache;
  readonly holes: number;
  /** What stands before each hole on its line and is not in the context; see `CanvasHole`. */
  readonly leads?: readonly Int32Array[];
  /** The most tokens a hole gets, at least 1. */
  readonly maxTokens: number;
  /** Denoising passes, the one that finds the lengths included; at least 1. */
  readonly steps: number;
  /** See `DenoisingSchedule`. */
  readonly threshold: number;
  /** How many different lengths are tried at temperature 0 even when fewer candidates are wanted. */
  readonly hypotheses: number;
  readonly candidates: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  /** The lengths of all holes, where they are known. */
  readonly lengths?: readonly number[];
}

/** Tokens for all holes. */
export interface FilledCandidate {
  readonly fills: readonly Int32Array[];
  readonly complete: boolean;
  /** Mean confidence of the tokens when they were decided; 1 where there were none to decide. */
  readonly confidence: number;
  readonly score: number;
}

export interface Filled {
  /** In the order in which they were made. */
  readonly candidates: readonly FilledCandidate[];
  readonly steps: number;
  readonly denoiseMs: number;
  readonly rankMs: number;
}

/** A candidate in the making. */
interface Draft {
  readonly canvas: Canvas;
  readonly random: Random;
  confidenceSum: number;
  decided: number;
}

/**
 * Fills all holes jointly by denoising: one pass over fully masked canvases finds how long the holes are,
 * the other passes decide the tokens of the likeliest lengths, all in one batch over one context.
 *
 * @returns undefined when stopped, which is polled before every pass.
 */
export async function infill(
  model: MaskedDiffusionModel,
  task: InfillTask,
  stop: StopPoll,
): Promise<Filled | undefined> {
  const { layout } = model;
  const started = performance.now();
  const maxTokens = Math.min(
    layout.maxCanvas - longestLead(task),
    Math.max(task.maxTokens, ...(task.lengths ?? [])),
  );
  const sampler = new Sampler(task.temperature, task.topP, layout.vocabSize, layout.firstText);

  if (await stop()) return undefined;
  const probe = await probeLengths(model, task, maxTokens);
  const drafts = startDrafts(model, task, probe.distributions, maxTokens);

  let steps = 1;
  if (task.steps === 1) {
    for (const draft of drafts) decideFromProbe(draft, sampler, probe.logits, maxTokens);
  } else {
    const passes = await denoise(model, task, drafts, sampler, stop);
    if (passes === undefined) return undefined;
    steps += passes;
  }

  const denoised = performance.now();
  const scores = await score(
    model,
    task.context,
    drafts.map((draft) => draft.canvas),
    stop,
  );
  if (scores === undefined) return undefined;
  return {
    candidates: drafts.map((draft, i) => ({
      fills: draft.canvas.fills(),
      complete: draft.canvas.complete,
      confidence: draft.decided === 0 ? 1 : draft.confidenceSum / draft.decided,
      score: scores[i]!,
    })),
    steps,
    denoiseMs: denoised - started,
    rankMs: performance.now() - denoised,
  };
}

/** The given tokens before a hole. */
export function leadOf(task: InfillTask, hole: number): Int32Array {
  return task.leads?.[hole] ?? new Int32Array();
}

/** Tokens of the longest lead: what every canvas has to spare. */
export function longestLead(task: InfillTask): number {
  return Math.max(0, ...(task.leads ?? []).map((lead) => lead.length));
}

interface Probe {
  /** [holes · maxTokens × vocabSize] */
  readonly logits: Logits;
  readonly distributions: readonly LengthDistribution[];
}

/** The first pass: every hole as a canvas of masks alone, of the smallest size the model knows that fits. */
async function probeLengths(
  model: MaskedDiffusionModel,
  task: InfillTask,
  maxTokens: number,
): Promise<Probe> {
  const { layout } = model;
  const needed = longestLead(task) + maxTokens;
  const size = layout.canvasSizes.find((candidate) => candidate >= needed) ?? layout.maxCanvas;
  const canvas = new Canvas(
    layout,
    task.context.length,
    Array.from({ length: task.holes }, (_, hole) => {
      const lead = leadOf(task, hole);
      return { lead, length: size - lead.length, end: false };
    }),
  );
  const wanted = canvas.spans.flatMap(({ start }) => Array.from({ length: maxTokens }, (_, j) => start + j));
  const logits = await model.denoise(task.context, toBlock([{ canvas, wanted }], 'both', layout.pad));
  const distributions = Array.from({ length: task.holes }, (_, hole) =>
    lengthDistribution(logits, hole * maxTokens, maxTokens, layout.vocabSize, layout.eoh),
  );
  return { logits, distributions };
}

/** One draft a hypothesis about the lengths: the likeliest at temperature 0, drawn ones above it. */
function startDrafts(
  model: MaskedDiffusionModel,
  task: InfillTask,
  distributions: readonly LengthDistribution[],
  maxTokens: number,
): Draft[] {
  const start = (random: Random, lengths: readonly number[]): Draft => ({
    canvas: new Canvas(
      model.layout,
      task.context.length,
      lengths.map((length, hole) => ({
        lead: leadOf(task, hole),
        length: Math.min(length, maxTokens),
        end: task.lengths !== undefined || length < maxTokens,
      })),
    ),
    random,
    confidenceSum: 0,
    decided: 0,
  });
  if (task.temperature > 0) {
    return Array.from({ length: task.candidates }, (_, row) => {
      const random = rowRandom(task.seed, row);
      const lengths = task.lengths ?? distributions.map((distribution) => drawLength(distribution, random));
      return start(random, lengths);
    });
  }
  const count = task.steps === 1 && task.candidates === 1 ? 1 : Math.max(task.hypotheses, task.candidates);
  const hypotheses =
    task.lengths === undefined
      ? likeliestLengths(distributions, count).map((hypothesis) => hypothesis.lengths)
      : [task.lengths];
  return hypotheses.map((lengths, row) => start(rowRandom(task.seed, row), lengths));
}

/** Where there is one pass only, the tokens come from the same logits as the lengths. */
function decideFromProbe(draft: Draft, sampler: Sampler, logits: Logits, maxTokens: number): void {
  for (const [hole, { start, length }] of draft.canvas.spans.entries()) {
    for (let j = 0; j < length; j++) {
      const choice = sampler.choose(logits, hole * maxTokens + j, draft.random);
      decide(draft, { column: start + 1 + j, ...choice });
    }
  }
}

/** Runs the passes after the probe. @returns how many were needed, or undefined when stopped. */
async function denoise(
  model: MaskedDiffusionModel,
  task: InfillTask,
  drafts: readonly Draft[],
  sampler: Sampler,
  stop: StopPoll,
): Promise<number | undefined> {
  const { pad } = model.layout;
  const schedule = new DenoisingSchedule(task.steps - 1, task.threshold);
  let pass = 0;
  for (; pass < schedule.passes; pass++) {
    const open = drafts
      .map((draft) => {
        const masked = draft.canvas.maskedColumns();
        return { draft, canvas: draft.canvas, masked, wanted: masked.map(predictingColumn) };
      })
      .filter((row) => row.masked.length > 0);
    if (open.length === 0) break;
    for (const chunk of chunkRows(open)) {
      if (await stop()) return undefined;
      const logits = await model.denoise(task.context, toBlock(chunk, 'both', pad));
      let row = 0;
      for (const { draft, masked } of chunk) {
        const proposals: Proposal[] = masked.map((column) => ({
          column,
          ...sampler.choose(logits, row++, draft.random),
        }));
        for (const proposal of schedule.select(proposals, pass)) decide(draft, proposal);
      }
    }
  }
  return pass;
}

function decide(draft: Draft, { column, token, confidence }: Proposal): void {
  draft.canvas.write(column, token);
  draft.confidenceSum += confidence;
  draft.decided += 1;
}
