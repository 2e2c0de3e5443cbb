import type { Tokenizer } from '../tokenizer/tokenizer';
import type { Lead } from './lead';
import { type Beginning, type TextSpan, UNDECIDED } from './messages';

/**
 * A token less probable than this when it was decided is shown as uncertain: all others together were
 * likelier than it was.
 */
export const UNCERTAIN_BELOW = 0.5;

/** A hole's tokens as a person reads them. */
export interface FillText {
  readonly text: string;
  readonly uncertain: readonly TextSpan[];
  readonly beginnings: readonly Beginning[];
  /** Whether the tokens are whole characters. */
  readonly valid: boolean;
}

/**
 * @param confidences float64 [tokens], 0 to 1.
 * @param logProbabilities float64 [tokens or more], of each token after all before it.
 */
export function fillText(
  tokenizer: Tokenizer,
  ids: Int32Array,
  confidences: Float64Array,
  logProbabilities: Float64Array,
  lead: Lead | undefined,
): FillText {
  const { text: decoded, valid } = tokenizer.decode(ids);
  const text = healed(decoded, lead);
  // Characters that are cut apart stand for no certain number of bytes, and are not shown where that can be helped.
  if (!valid) return { text, uncertain: [], beginnings: [], valid };
  const lengths = Array.from(ids, (id) => tokenizer.bytesOf(id).length);
  const doubts = lengths.flatMap((bytes, i) =>
    new Array<boolean>(bytes).fill(confidences[i]! < UNCERTAIN_BELOW),
  );
  const dropped = decoded.length - text.length;
  return {
    text,
    uncertain: spansOf(decoded, doubts, dropped),
    beginnings: beginningsOf(decoded, lengths, logProbabilities, dropped),
    valid,
  };
}

/** A hole's tokens while some of them are masks. */
export function unfinishedText(
  tokenizer: Tokenizer,
  ids: Int32Array,
  mask: number,
  lead: Lead | undefined,
): string {
  let text = '';
  let start = 0;
  for (let end = 0; end <= ids.length; end++) {
    if (end < ids.length && ids[end] !== mask) continue;
    text += tokenizer.decode(ids.subarray(start, end)).text;
    if (end < ids.length) text += UNDECIDED;
    start = end + 1;
  }
  // The rest of a character may be among the tokens to come.
  return healed(text.replaceAll('\ufffd', UNDECIDED), lead);
}

/** What the first token begins with is in the document already. */
function healed(text: string, lead: Lead | undefined): string {
  return lead !== undefined && text.startsWith(lead.opening) ? text.slice(lead.opening.length) : text;
}

/**
 * Where the bytes that are in doubt show in the text: a character is in doubt if one of its bytes is.
 *
 * @param doubts one a byte of the text as UTF-8.
 * @param dropped how many units at its start are not part of the fill.
 */
function spansOf(text: string, doubts: readonly boolean[], dropped: number): TextSpan[] {
  const spans: TextSpan[] = [];
  let byte = 0;
  let unit = 0 - dropped;
  for (const character of text) {
    const start = unit;
    const bytes = Buffer.byteLength(character);
    unit += character.length;
    if (start >= 0 && doubts.slice(byte, byte + bytes).includes(true)) {
      if (spans.at(-1)?.end === start) spans.push({ start: spans.pop()!.start, end: unit });
      else spans.push({ start, end: unit });
    }
    byte += bytes;
  }
  return spans;
}

/**
 * Where tokens end in the text, but for ends inside a character.
 *
 * @param lengths the bytes of each token as UTF-8.
 * @param dropped how many units at its start are not part of the fill.
 */
function beginningsOf(
  text: string,
  lengths: readonly number[],
  logProbabilities: Float64Array,
  dropped: number,
): Beginning[] {
  const unitsAt = new Map<number, number>();
  let byte = 0;
  let unit = 0;
  for (const character of text) {
    byte += Buffer.byteLength(character);
    unit += character.length;
    unitsAt.set(byte, unit - dropped);
  }
  const beginnings: Beginning[] = [];
  let read = 0;
  let logProbability = 0;
  for (const [i, length] of lengths.entries()) {
    read += length;
    logProbability += logProbabilities[i]!;
    const end = unitsAt.get(read);
    if (end !== undefined && end > 0) beginnings.push({ end, logProbability });
  }
  return beginnings;
}
