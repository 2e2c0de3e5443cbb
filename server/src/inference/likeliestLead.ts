import { sumOf } from '../base/sum';
import { logProbability } from '../diffusion/logits';
import type { KvCache, MaskedDiffusionModel } from '../diffusion/model';
import { causalBlock } from '../diffusion/reading';
import type { Lead } from './lead';

/**
 * Which of several ways to begin a hole is likeliest, with how likely that is in its opening. ` lead` may be the beginning
 * of ` leading`, which is one token, or all of a word that is written with two: were only the first allowed, it would be
 * certain.
 *
 * P(a way) ∝ P(its lead) · Σ P(token | its lead), over the tokens that may come first; one causal pass over the longest lead
 * knows all of them.
 */
export async function likeliestLead(
  model: MaskedDiffusionModel,
  context: KvCache,
  lead: Lead,
): Promise<Lead> {
  const ways = [lead, ...lead.others];
  if (ways.length === 1) return lead;
  const { layout } = model;
  const longest = ways.at(-1)!.ids;
  /** How many tokens all leads have in common; the row of logits behind so many tokens more is the one of that number. */
  const common = lead.ids.length;
  const tokens = [layout.fill[0]!, ...longest].map((id, i) => ({ id, position: context.length + i }));
  const wanted = Int32Array.from({ length: tokens.length - common }, (_, i) => common + i);
  const logits = await model.denoise(context, { ...causalBlock([tokens], layout.pad), wanted });

  const logMasses = ways.map(({ ids, first }) => {
    const rest = Array.from(longest.subarray(common, ids.length));
    const ofLead = rest.map((id, row) => logProbability(logits, row, layout.vocabSize, id));
    const ofFirst = Array.from(first?.ids ?? [], (id) =>
      logProbability(logits, rest.length, layout.vocabSize, id),
    );
    return sumOf(ofLead, Number) + (first === undefined ? 0 : logSum(ofFirst));
  });
  const best = logMasses.indexOf(Math.max(...logMasses));
  const { first, ...chosen } = ways[best]!;
  return { ...chosen, first: first && { ...first, logShare: logMasses[best]! - logSum(logMasses) } };
}

function logSum(values: readonly number[]): number {
  const max = Math.max(...values);
  return max + Math.log(sumOf(values, (value) => Math.exp(value - max)));
}
