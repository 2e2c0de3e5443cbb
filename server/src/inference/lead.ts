import type { Opening } from '../diffusion/task';
import type { Tokenizer } from '../tokenizer/tokenizer';

/** The beginning of a hole's line: not in the context, but given on the canvas. */
export interface Lead {
  readonly ids: Int32Array;
  /** The end of the line before the hole that is not among the ids, because the hole's first token begins with it. */
  readonly opening: string;
  /** What may come first then; absent where there is no opening. */
  readonly first: Opening | undefined;
}

/** Leads of more tokens stay in the context. */
const longestLead = 40;

/** No text needs more UTF-16 units than this for one token on average, so that more is never tokenised. */
export const unitsPerToken = 10;

/** What the tokeniser never joins with what stands before it, and may join with what follows: a word, or signs. */
const unfinished = /^ ?(?:[A-Za-z_]+|[!-/:-@[-^`{-~]+)$/;

export function leadOfNothing(): Lead {
  return { ids: new Int32Array(), opening: '', first: undefined };
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
    : { ids, opening: endsInBlank ? ' ' : '', first: undefined };
  return { text: text.slice(0, lineStart), lead };
}

/**
 * Takes off what the first token of the hole may begin with: a single blank, or the last tokens as far as they are one
 * unfinished word that a longer token begins with. ("con" of "constructor" is a token, but one that "structor" never
 * follows where both stand together.)
 */
function openEnd(tokenizer: Tokenizer, ids: Int32Array, endsInBlank: boolean): Lead {
  if (endsInBlank) return opened(tokenizer, ids, ' ');
  let lead: Lead = { ids, opening: '', first: undefined };
  for (let kept = ids.length - 1; kept >= 0; kept--) {
    const { text } = tokenizer.decode(ids.subarray(kept));
    if (!unfinished.test(text)) break;
    const longer = opened(tokenizer, ids.subarray(0, kept), text);
    if (longer.first!.ids.some((id) => tokenizer.bytesOf(id).length > text.length)) lead = longer;
  }
  return lead;
}

function opened(tokenizer: Tokenizer, ids: Int32Array, opening: string): Lead {
  const whole = tokenizer.encode(opening);
  const bare = whole.length === 1 ? whole[0] : undefined;
  return { ids, opening, first: { ids: tokenizer.beginningWith(opening), bare } };
}
