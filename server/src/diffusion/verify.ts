import type { Logits, MaskedDiffusionModel, ModelLayout, StopPoll, TokenBlock } from './model';
import { causalBlock, type PlacedToken, Reading, samplersFor } from './reading';
import { rowRandom } from './rng';
import type { Sampler } from './sampler';
import type { Filled, InfillTask, ProgressReport } from './task';

/** Tokens that are drafted at first, and at most. */
const firstDraft = 3;
const longestDraft = 32;

/**
 * Draft and verify: what `autoregress` gives at temperature 0, in other passes. A canvas drafts the next tokens in one
 * pass, and another pass reads them causally, which says at each of them what comes next and how likely an end is. So
 * the tokens are kept up to the first one that the causal reading would not have said; that one is as the causal
 * reading has it, and the rest is drafted anew. The hole ends where the whole of it is likeliest, as there.
 *
 * A draft is twice as long as what was kept of the one before. Where nothing was kept, one token is read without a
 * draft: so a model that cannot draft takes half as many passes again as token by token, not twice as many.
 *
 * @param report is shown the tokens that are kept.
 * @returns undefined when stopped, which is polled before every pass. The context is left as it was.
 */
export async function draftAndVerify(
  model: MaskedDiffusionModel,
  task: InfillTask,
  stop: StopPoll,
  report?: ProgressReport,
): Promise<Filled | undefined> {
  if (task.temperature !== 0) {
    throw new RangeError(
      `Expected temperature 0, got ${task.temperature}: drafts are checked against one answer`,
    );
  }
  const started = performance.now();
  const { layout } = model;
  const { context } = task;
  const contextLength = context.length;
  const samplers = samplersFor(task, layout);
  const reading = new Reading(layout, task, samplers, rowRandom(task.seed, 0));
  let steps = 0;
  let size = firstDraft;
  try {
    while (!reading.isDone) {
      const { hole, unread } = reading;
      // The token behind a draft is said by the pass that checks it.
      const masks = Math.min(size, reading.room - 1);
      let draft: readonly PlacedToken[] = [];
      if (masks > 0) {
        if (await stop()) return undefined;
        const logits = await model.denoise(context, canvasBlock(unread, masks, layout));
        steps += 1;
        reading.prepare(logits, 0);
        draft = likeliest(logits, samplers.first, behind(unread, masks, layout.mask));
      }
      if (await stop()) return undefined;
      const read = context.length + unread.length;
      const logits = await model.extend(context, checkedBlock(unread, draft, layout));
      steps += 1;
      const kept = keep(draft, logits, reading);
      model.truncate(context, read + kept);
      if (reading.hole > hole) size = firstDraft;
      else size = masks > 0 ? Math.min(longestDraft, 2 * kept) : 2;
      report?.(reading.fills());
    }
  } finally {
    model.truncate(context, contextLength);
  }
  return { candidates: [reading.candidate()], steps, denoiseMs: performance.now() - started, rankMs: 0 };
}

/** So many tokens of one kind at the positions that follow. */
function behind(unread: readonly PlacedToken[], count: number, id: number): PlacedToken[] {
  const { position } = unread.at(-1)!;
  return Array.from({ length: count }, (_, i) => ({ id, position: position + 1 + i }));
}

/** What is known but not read yet, and masks behind it; all see each other. The logits before each mask are wanted. */
function canvasBlock(unread: readonly PlacedToken[], masks: number, layout: ModelLayout): TokenBlock {
  const block = causalBlock([[...unread, ...behind(unread, masks, layout.mask)]], layout.pad);
  return { ...block, order: new Int32Array(block.columns), wanted: rowsFrom(unread.length - 1, masks) };
}

/** What is known and the draft, read causally. The logits behind the last known token and all drafted ones are wanted. */
function checkedBlock(
  unread: readonly PlacedToken[],
  draft: readonly PlacedToken[],
  layout: ModelLayout,
): TokenBlock {
  const block = causalBlock([[...unread, ...draft]], layout.pad);
  return { ...block, wanted: rowsFrom(unread.length - 1, draft.length + 1) };
}

function rowsFrom(first: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => first + i);
}

/** The likeliest token at each place. */
function likeliest(logits: Logits, sampler: Sampler, places: readonly PlacedToken[]): PlacedToken[] {
  return places.map(({ position }, i) => ({ id: sampler.choose(logits, i, () => 0).token, position }));
}

/**
 * Lets the reading say tokens as long as they are those of the draft, and one more.
 *
 * @returns how many tokens of the draft stay in the cache. It is negative where the hole ends before tokens that were
 *   kept of an earlier draft.
 */
function keep(draft: readonly PlacedToken[], logits: Logits, reading: Reading): number {
  const { hole } = reading;
  for (let kept = 0; ; kept++) {
    const tooMany = reading.choose(logits, kept);
    if (reading.isDone || reading.hole > hole) return kept - tooMany;
    if (reading.unread[0]!.id !== draft[kept]?.id) return kept;
  }
}
