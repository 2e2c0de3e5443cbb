import { type Filled, type FilledCandidate, type InfillTask, leadOf, longestLead } from './infill';
import { logProbability } from './logits';
import type { Logits, MaskedDiffusionModel, StopPoll, TokenBlock } from './model';
import { type Random, rowRandom } from './rng';
import { Sampler } from './sampler';

/**
 * The rival: the same weights read token by token, hole after hole, each token appended to the cache of
 * keys and values. At temperature 0 there is one answer; above it one is drawn per candidate. Known
 * lengths are ignored, a hole ends where the model ends it.
 *
 * @returns undefined when stopped, which is polled before every pass. The context is left as it was.
 */
export async function autoregress(
  model: MaskedDiffusionModel,
  task: InfillTask,
  stop: StopPoll,
): Promise<Filled | undefined> {
  const started = performance.now();
  const contextLength = task.context.length;
  const candidates: FilledCandidate[] = [];
  let steps = 0;
  try {
    for (let row = 0; row < (task.temperature > 0 ? task.candidates : 1); row++) {
      model.truncate(task.context, contextLength);
      const read = await readCandidate(model, task, contextLength, rowRandom(task.seed, row), stop);
      if (read === undefined) return undefined;
      candidates.push(read.candidate);
      steps += read.passes;
    }
  } finally {
    model.truncate(task.context, contextLength);
  }
  return { candidates, steps, denoiseMs: performance.now() - started, rankMs: 0 };
}

async function readCandidate(
  model: MaskedDiffusionModel,
  task: InfillTask,
  contextLength: number,
  random: Random,
  stop: StopPoll,
): Promise<{ candidate: FilledCandidate; passes: number } | undefined> {
  const { layout } = model;
  const { vocabSize, eoh } = layout;
  const maxTokens = Math.min(layout.maxCanvas - longestLead(task), task.maxTokens);
  // A hole is never empty.
  const firstSampler = new Sampler(task.temperature, task.topP, vocabSize, layout.firstText);
  const sampler = new Sampler(task.temperature, task.topP, vocabSize, layout.firstText, eoh);
  const fills: Int32Array[] = [];
  const confidences: number[] = [];
  let complete = true;
  let score = 0;
  let passes = 0;
  // The end of the hole before is read together with the marker of the next: one pass, not two.
  let unread: { id: number; position: number }[] = [];
  for (let hole = 0; hole < task.holes; hole++) {
    const lead = leadOf(task, hole);
    const marker = contextLength + layout.holeStride * hole;
    const first = marker + lead.length;
    const fill: number[] = [];
    for (const [i, id] of [layout.fill[hole]!, ...lead].entries()) unread.push({ id, position: marker + i });
    let ended = false;
    while (!ended && fill.length < maxTokens) {
      if (await stop()) return undefined;
      const logits: Logits = await model.extend(task.context, causalBlock(unread));
      passes++;
      const chosenFrom = fill.length === 0 ? firstSampler : sampler;
      const { token, confidence } = chosenFrom.choose(logits, 0, random);
      score += logProbability(logits, 0, vocabSize, token);
      ended = token === eoh;
      if (!ended) {
        fill.push(token);
        confidences.push(confidence);
      }
      unread = [{ id: token, position: first + fill.length + (ended ? 1 : 0) }];
    }
    complete &&= ended;
    fills.push(Int32Array.from(fill));
  }
  const sum = confidences.reduce((total, confidence) => total + confidence, 0);
  const confidence = confidences.length === 0 ? 1 : sum / confidences.length;
  return { candidate: { fills, complete, confidence, score }, passes };
}

/** One row read in order, the logits behind its last token wanted. */
function causalBlock(tokens: readonly { id: number; position: number }[]): TokenBlock {
  return {
    rows: 1,
    columns: tokens.length,
    ids: Int32Array.from(tokens, (token) => token.id),
    positions: Int32Array.from(tokens, (token) => token.position),
    order: Int32Array.from(tokens, (_, i) => i),
    wanted: Int32Array.of(tokens.length - 1),
  };
}
