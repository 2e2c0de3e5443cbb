import { autoregress } from './autoregress';
import { infill } from './infill';
import type { MaskedDiffusionModel, StopPoll } from './model';
import type { Filled, InfillTask, ProgressReport } from './task';

/** A likeliest path that comes to no end within so many tokens is given up: passes of one token each cost time. */
const longestPath = 32;

/** So many ways the twin goes, each beginning with another token: a first one that is only second may be the right one. */
const ways = 3;

/**
 * Fills by denoising, and lets the twin try its own likeliest paths beside the lengths that were tried: what both wrote is
 * ranked by the same likelihood. A small model is surer of the next token than of all at once, and where a hole is short
 * the paths cost less than one more denoising step (measured in models/LOG.md).
 *
 * Only one hole alone, of unknown length and at temperature 0, gets paths: several would be filled one after the other,
 * and draws shall differ.
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
  if (denoised === undefined || task.holes > 1 || task.temperature > 0 || task.lengths !== undefined) {
    return denoised;
  }
  const most = Math.min(longestPath, task.maxTokens[0]!, task.affordable?.(ways) ?? Infinity);
  if (most < 1) return denoised;
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
