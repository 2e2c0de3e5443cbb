import { autoregress } from './autoregress';
import { infill } from './infill';
import type { MaskedDiffusionModel, StopPoll } from './model';
import type { Filled, InfillTask, ProgressReport } from './task';

/** A likeliest path that comes to no end within so many tokens is given up: passes of one token each cost time. */
const longestPath = 32;

/** So many ways the twin goes, each beginning with another token: a first one that is only second may be the right one. */
const ways = 3;

/** Only one hole alone, of unknown length and at temperature 0, gets paths: several would be filled one after the other. */
export function hasPaths({ holes, temperature, lengths }: InfillTask): boolean {
  return holes === 1 && temperature === 0 && lengths === undefined;
}

/**
 * Fills by denoising, and lets the twin try its own likeliest paths beside the lengths that were tried: what both wrote is
 * ranked by the same likelihood. A small model is surer of the next token than of all at once, and where a hole is short
 * the paths cost less than one more denoising step (measured in models/LOG.md).
 *
 * @returns undefined when stopped, which is polled before every pass. `steps` counts denoising passes only.
 */
export async function readBothWays(
  model: MaskedDiffusionModel,
  task: InfillTask,
  stop: StopPoll,
  report?: ProgressReport,
): Promise<Filled | undefined> {
  const denoised = await infill(model, task, stop, report);
  const most = longestOf(task);
  if (denoised === undefined || !hasPaths(task) || most < 1) return denoised;
  const paths = await autoregress(model, { ...task, maxTokens: [most], ways }, stop);
  if (paths === undefined) return undefined;
  return {
    // The beginning of something longer is likelier than any whole, and no answer.
    candidates: [...denoised.candidates, ...paths.candidates.filter(({ complete }) => complete)],
    steps: denoised.steps,
    denoiseMs: denoised.denoiseMs + paths.denoiseMs,
    rankMs: denoised.rankMs,
  };
}

/**
 * The twin's likeliest paths alone, for whoever types on: less than half of the time, and of short texts that the model
 * is sure of nearly all that both readings find (models/LOG.md). Denoises where there is no time for a path.
 *
 * @param task has paths.
 * @returns undefined when stopped. Where no path came to an end, the beginnings that were read.
 */
export async function readPaths(
  model: MaskedDiffusionModel,
  task: InfillTask,
  stop: StopPoll,
  report?: ProgressReport,
): Promise<Filled | undefined> {
  const most = longestOf(task);
  if (most < 1) return infill(model, task, stop, report);
  const paths = await autoregress(model, { ...task, maxTokens: [most], ways, turnings: 0 }, stop, report);
  if (paths === undefined) return undefined;
  const whole = paths.candidates.filter(({ complete }) => complete);
  return whole.length === 0 ? paths : { ...paths, candidates: whole };
}

/** How long a path may get in the time there is. */
function longestOf({ maxTokens, affordable }: InfillTask): number {
  return Math.min(longestPath, maxTokens[0]!, affordable?.(ways) ?? Infinity);
}
