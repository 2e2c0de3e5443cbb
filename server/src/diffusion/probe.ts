import { Canvas, toBlock } from './canvas';
import { givenAnEnd, type LengthDistribution, lengthDistribution } from './lengths';
import { allowOnly } from './logits';
import type { Logits, MaskedDiffusionModel, ModelLayout, StopPoll } from './model';
import { type InfillTask, leadOf, longestLead } from './task';

/** What fully masked canvases say: how long the holes are, and what might stand in them. */
export interface Probe {
  /** Steps taken, however many canvases were read: 1, or 0 where nothing was asked. */
  readonly steps: number;
  /** [sum of the tokens looked at × vocabSize] */
  readonly logits: Logits;
  /** The row of each hole's first token in them. */
  readonly firstRows: readonly number[];
  readonly distributions: readonly LengthDistribution[];
}

/** Of holes whose lengths are known. */
export const noProbe: Probe = { steps: 0, logits: new Float32Array(), firstRows: [], distributions: [] };

/** The first canvases have room for so many tokens, if as many are allowed: most holes are shorter. */
const firstView = 16;

/** A hole that ends behind its canvas with more than this probability is looked at in a larger one. */
const overlooked = 1 / 4;

/**
 * Reads every hole as a canvas of masks alone: first a small one, and as long as the end of a hole is likely to lie behind
 * it, one of the model's next size. (Measured in bench/README.md.)
 *
 * @param limits the most tokens of each hole.
 * @returns undefined when stopped, which is polled before every pass.
 */
export async function probeLengths(
  model: MaskedDiffusionModel,
  task: InfillTask,
  limits: readonly number[],
  stop: StopPoll,
): Promise<Probe | undefined> {
  const { vocabSize, eoh } = model.layout;
  const isRest = task.block?.anchor !== undefined;
  for (const size of sizesFor(task, limits, model.layout)) {
    if (await stop()) return undefined;
    const views = limits.map((limit, hole) => Math.min(limit, size - leadOf(task, hole).length));
    const logits = await look(model, task, size, views);
    const firstRows = views.map((_, hole) => views.slice(0, hole).reduce((sum, view) => sum + view, 0));
    const laws = views.map((view, hole) =>
      lengthDistribution(logits, firstRows[hole]!, view, vocabSize, eoh, isRest),
    );
    const isWhole = (hole: number): boolean => views[hole] === limits[hole];
    if (!laws.every((law, hole) => isWhole(hole) || law.at(-1)! <= overlooked)) continue;
    for (const [hole, row] of firstRows.entries()) {
      const opening = task.openings?.[hole];
      if (opening !== undefined) allowOnly(logits, row, vocabSize, opening.ids);
    }
    const distributions = laws.map((law, hole) => (isWhole(hole) ? law : givenAnEnd(law)));
    return { steps: 1, logits, firstRows, distributions };
  }
  throw new Error('Expected the largest canvas to show all tokens of every hole');
}

/** Canvas sizes to look at, ascending; the last one holds all. */
function sizesFor(task: InfillTask, limits: readonly number[], layout: ModelLayout): number[] {
  const most = Math.max(...limits);
  const sizeFor = (tokens: number): number =>
    layout.canvasSizes.find((size) => size >= longestLead(task) + tokens) ?? layout.maxCanvas;
  const largest = sizeFor(most);
  // What takes several canvases is long.
  if (task.block !== undefined) return [largest];
  const smallest = sizeFor(Math.min(most, firstView));
  return [...layout.canvasSizes.filter((size) => size >= smallest && size < largest), largest];
}

/** @returns the logits of the first tokens of each hole, as many as `views` says. */
function look(
  model: MaskedDiffusionModel,
  task: InfillTask,
  size: number,
  views: readonly number[],
): Promise<Logits> {
  const { layout } = model;
  const holes = views.map((_, hole) => {
    const lead = leadOf(task, hole);
    return { anchor: task.block?.anchor, lead, length: size - lead.length, end: false };
  });
  const canvas = new Canvas(layout, task.context.length, holes);
  const wanted = canvas.spans.flatMap(({ start }, hole) =>
    Array.from({ length: views[hole]! }, (_, j) => start + j),
  );
  return model.denoise(task.context, toBlock([{ canvas, wanted }], 'both', layout.pad));
}
