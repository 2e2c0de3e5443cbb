import { firstLine, indentationOf, isBlank, lastLine } from '../text';
import type { Filter } from './filter';

/** Enough lines to recognise what follows. */
const LINES_COMPARED = 12;

/** Cuts what the document says after the cursor anyway: the rest of the line, or the lines below. */
export const duplicateSuffix: Filter = {
  name: 'duplicate suffix',
  apply(text, context) {
    const cut = cutLinesBelow(cutRestOfLine(text, firstLine(context.suffix)), context.prefix, context.suffix);
    return isBlank(cut) && !isBlank(text) ? undefined : cut;
  },
};

/**
 * Brackets and quotes are left to the filters that know which of them are needed. Of other punctuation
 * the whole rest of the line must be there again, of words a few characters are proof enough.
 */
function cutRestOfLine(text: string, rest: string): string {
  const wanted = rest.trimEnd();
  for (let length = Math.min(text.length, wanted.length); length > 0; length--) {
    const overlap = wanted.slice(0, length);
    if (!text.endsWith(overlap)) continue;
    const isWhole = length === wanted.length;
    const hasWord = /[\p{L}\p{N}_]/u.test(overlap);
    const isPunctuation = /^[\s;,:.]+$/.test(overlap) && !isBlank(overlap);
    if ((hasWord && (isWhole || overlap.length >= 4)) || (isPunctuation && isWhole)) {
      return text.slice(0, -length);
    }
  }
  return text;
}

/** Cuts from the first line of the candidate on that starts a copy of the lines below the cursor. */
function cutLinesBelow(text: string, prefix: string, suffix: string): string {
  const lineBreak = suffix.indexOf('\n');
  if (lineBreak === -1) return text;
  const below: string[] = [];
  for (const line of suffix.slice(lineBreak + 1, lineBreak + 4_000).split('\n')) {
    if (!isBlank(line)) below.push(line.trimEnd());
    if (below.length === LINES_COMPARED) break;
  }
  const lines = text.split('\n');
  // The first line counts only where the cursor stands on an empty line: there it is a whole line.
  const startsLine = isBlank(lastLine(prefix)) && isBlank(firstLine(suffix));
  for (let i = startsLine ? 0 : 1; i < lines.length; i++) {
    const candidate = i === 0 ? [lastLine(prefix) + (lines[0] ?? ''), ...lines.slice(1)] : lines.slice(i);
    if (isCopyOf(candidate, below)) return lines.slice(0, i).join('\n');
  }
  return text;
}

/** Whether the lines start with a non-blank one and go on like those below, as far as both go. */
function isCopyOf(lines: readonly string[], below: readonly string[]): boolean {
  if (isBlank(lines[0] ?? '')) return false;
  const candidate = lines.filter((line) => !isBlank(line)).map((line) => line.trimEnd());
  const compared = Math.min(candidate.length, below.length);
  if (compared === 0) return false;
  for (let i = 0; i < compared; i++) {
    const line = candidate[i] ?? '';
    const wanted = below[i] ?? '';
    if (line === wanted) continue;
    // The model may have run out of room within the last line it copied.
    const started = line.trim().length >= (i === 0 ? 8 : 3) && wanted.startsWith(line);
    if (i !== candidate.length - 1 || !started) return false;
  }
  return indentationOf(candidate[0] ?? '') === indentationOf(below[0] ?? '');
}
