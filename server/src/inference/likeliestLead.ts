import { logProbability, logSumOf } from '../diffusion/logits';
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

  const logOf = (row: number, id: number): number => logProbability(logits, row, layout.vocabSize, id);
  const logMasses = Float64Array.from(ways, ({ ids, first }) => {
    const rest = [...longest.subarray(common, ids.length)];
    const ofLead = rest.reduce((sum, id, row) => sum + logOf(row, id), 0);
    return ofLead + (first ? logSumOf(Float64Array.from(first.ids, (id) => logOf(rest.length, id))) : 0);
  });
  const best = logMasses.indexOf(Math.max(...logMasses));
  const { first, ...chosen } = ways[best]!;
  return { ...chosen, first: first && { ...first, logShare: logMasses[best]! - logSumOf(logMasses) } };
}
