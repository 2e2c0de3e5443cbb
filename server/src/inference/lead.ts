import type { Opening } from '../diffusion/task';
import type { Tokenizer } from '../tokenizer/tokenizer';

/** The beginning of a hole's line: not in the context, but given on the canvas. */
export interface Lead {
  readonly ids: Int32Array;
  /** The end of the line before the hole that is not among the ids, because the hole's first token begins with it. */
  readonly opening: string;
  /** What may come first then; absent where there is no opening. */
  readonly first: Opening | undefined;
  /**
   * Where no token says the opening alone: leads that leave less of it to the hole. Which of them the hole begins with is for
   * the model to say (likeliestLead.ts).
   */
  readonly others: readonly Lead[];
}

/** Leads of more tokens stay in the context. */
const longestLead = 40;

/** No text needs more UTF-16 units than this for one token on average, so that more is never tokenised. */
export const unitsPerToken = 10;

/** What the tokeniser never joins with what stands before it, and may join with what follows: a word, or signs. */
const unfinished = /^ ?(?:[A-Za-z_]+|[!-/:-@[-^`{-~]+)$/;

export function leadOfNothing(): Lead {
  return withoutOpening(new Int32Array());
}

/**
 * Takes the beginning of the last line off the text before a hole, unless it is long.
 *
 * @param heals whether more than a blank may be left to the hole's first token: the manifest's `heals`.
 */
export function splitLead(tokenizer: Tokenizer, text: string, heals: boolean): { text: string; lead: Lead } {
  const lineStart = text.lastIndexOf('\n') + 1;
  const line = text.slice(lineStart);
  const none = { text, lead: leadOfNothing() };
  if (line === '' || line.length > longestLead * unitsPerToken) return none;
  const endsInBlank = /\S $/.test(line);
  const ids = tokenizer.encode(endsInBlank ? line.slice(0, -1) : line);
  if (ids.length > longestLead) return none;
  const lead = heals
    ? openEnd(tokenizer, ids, endsInBlank)
    : { ...withoutOpening(ids), opening: endsInBlank ? ' ' : '' };
  return { text: text.slice(0, lineStart), lead };
}

function withoutOpening(ids: Int32Array): Lead {
  return { ids, opening: '', first: undefined, others: [] };
}

/**
 * Takes off what the first token of the hole may begin with: a single blank, or the last tokens as far as they are one
 * unfinished word that a longer token begins with. ("con" of "constructor" is a token, but one that "structor" never
 * follows where both stand together.)
 */
function openEnd(tokenizer: Tokenizer, ids: Int32Array, endsInBlank: boolean): Lead {
  if (endsInBlank) return opened(tokenizer, ids, ' ');
  /** From the shortest opening on. */
  const leads: Lead[] = [withoutOpening(ids)];
  for (let kept = ids.length - 1; kept >= 0; kept--) {
    const { text } = tokenizer.decode(ids.subarray(kept));
    if (!unfinished.test(text)) break;
    const longer = opened(tokenizer, ids.subarray(0, kept), text);
    if (!longer.first!.ids.some((id) => tokenizer.bytesOf(id).length > text.length)) continue;
    // What one token says alone includes that nothing is left to the hole.
    if (longer.first!.bare !== undefined) leads.length = 0;
    leads.push(longer);
  }
  const [longest, ...others] = leads.reverse();
  return { ...longest!, others };
}

function opened(tokenizer: Tokenizer, ids: Int32Array, opening: string): Lead {
  const whole = tokenizer.encode(opening);
  const bare = whole.length === 1 ? whole[0] : undefined;
  return { ids, opening, first: { ids: tokenizer.beginningWith(opening), bare }, others: [] };
}
