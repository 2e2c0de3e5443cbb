/** Small facts about text that several files of this folder need. Offsets count UTF-16 code units. */

/** Half-open. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

export type LineEnding = '\n' | '\r\n';

/** The model reads and writes `\n` only. A lone `\r` ends a line too, as in LSP. */
export function toLf(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

export function fromLf(text: string, lineEnding: LineEnding): string {
  return lineEnding === '\n' ? text : text.replaceAll('\n', '\r\n');
}

/** The line ending that occurs more often; `\n` where there is none. */
export function lineEndingOf(text: string): LineEnding {
  let crlf = 0;
  let lf = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (at > 0 && text.charCodeAt(at - 1) === 0x0d) crlf++;
    else lf++;
  }
  return crlf > lf ? '\r\n' : '\n';
}

/** Whether the offset lies between the two halves of one character. */
export function splitsSurrogatePair(text: string, offset: number): boolean {
  if (offset <= 0 || offset >= text.length) return false;
  return isHighSurrogate(text.charCodeAt(offset - 1)) && isLowSurrogate(text.charCodeAt(offset));
}

/** A lone surrogate is no character: U+FFFD takes its place in what the model reads. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** From the last line break on; the whole text where there is none. */
export function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1);
}

/** Up to the first line break; the whole text where there is none. */
export function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end === -1 ? text : text.slice(0, end);
}

/** The spaces and tabs a line starts with. */
export function indentationOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
