/** The edges of windows move in jumps of this share of the window. */
const jumpShare = 1 / 4;

/**
 * The end of a text, at most `most` UTF-16 units of it. Its left edge stays where it is while the text
 * grows and then jumps, to the start of a line where one is near: an edge that slid along with every
 * keystroke would make every cached context worthless.
 */
export function tailWindow(text: string, most: number): string {
  if (text.length <= most) return text;
  const jump = Math.max(1, Math.floor(most * jumpShare));
  const edge = Math.ceil((text.length - most) / jump) * jump;
  const lineEnd = text.indexOf('\n', edge - 1);
  const isNear = lineEnd >= 0 && lineEnd + 1 <= Math.min(edge + jump, text.length - 1);
  return text.slice(isNear ? lineEnd + 1 : wholeCharacter(text, edge));
}

/** The beginning of a text, at most `most` UTF-16 units of it, to the end of a line where one is near. */
export function headWindow(text: string, most: number): string {
  if (text.length <= most) return text;
  const lineEnd = text.lastIndexOf('\n', most);
  const isNear = lineEnd > most * (1 - jumpShare);
  return text.slice(0, isNear ? lineEnd : wholeCharacter(text, most));
}

/** The index itself, or one less where it would cut a surrogate pair in two. */
function wholeCharacter(text: string, index: number): number {
  const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;
  const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
  const cutsPair = index > 0 && isLow(text.charCodeAt(index)) && isHigh(text.charCodeAt(index - 1));
  return cutsPair ? index - 1 : index;
}
