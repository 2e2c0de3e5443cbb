import { isBlank } from '../text';
import type { Filter } from './filter';

/** Lines this short (closing brackets, `else:`) repeat in good code too. */
const SHORTEST_LINE = 8;
const LONGEST_PERIOD = 24;
const REPEATS = 5;
const SHORTEST_LOOP = 12;
/** One piece at least six times in a row, the shortest such piece. */
const LOOP = /(.{1,24}?)\1{5,}/gs;
const RULER = /^[-=*#_~ /]+$/;

/** Drops or cuts what a weak model falls into: saying the same again and again, or the line above again. */
export const repetition: Filter = {
  name: 'repetition',
  apply(text, { prefix }) {
    if (repeatsLinesAbove(text, prefix)) return undefined;
    const cut = cutLoop(cutBlankLines(cutRepeatedLines(text)));
    return isBlank(cut) && !isBlank(text) ? undefined : cut;
  },
};

/** Whether the completed lines are the very lines that stand above. */
function repeatsLinesAbove(text: string, prefix: string): boolean {
  const lineStart = prefix.lastIndexOf('\n') + 1;
  const completed = nonBlankLines(prefix.slice(lineStart) + text);
  const above = nonBlankLines(prefix.slice(Math.max(0, lineStart - 4_000), lineStart));
  if (completed.length === 0 || completed.length > above.length) return false;
  if (!completed.some((line) => line.trim().length >= SHORTEST_LINE)) return false;
  const tail = above.slice(-completed.length);
  return completed.every((line, i) => line.trimEnd() === tail[i]?.trimEnd());
}

/** Of three equal lines in a row only the first stays, and nothing after it. */
function cutRepeatedLines(text: string): string {
  const lines = text.split('\n');
  for (let i = 2; i < lines.length; i++) {
    const line = lines[i]?.trim() ?? '';
    if (line.length < SHORTEST_LINE) continue;
    if (line === lines[i - 1]?.trim() && line === lines[i - 2]?.trim())
      return lines.slice(0, i - 1).join('\n');
  }
  return text;
}

/** Nobody wants two empty lines in the middle of a suggestion: what comes after them is the next thing. */
function cutBlankLines(text: string): string {
  const run = /\n(?:[ \t]*\n){2}/.exec(text);
  return run === null ? text : text.slice(0, run.index);
}

/** Cuts a tail that is one short piece over and over after its first appearance. */
function cutLoop(text: string): string {
  const trimmed = text.trimEnd();
  for (let period = 1; period <= LONGEST_PERIOD; period++) {
    let start = trimmed.length - period;
    while (start > 0 && trimmed.charAt(start - 1) === trimmed.charAt(start - 1 + period)) start--;
    const length = trimmed.length - start;
    if (length < SHORTEST_LOOP || length < REPEATS * period) continue;
    // Rulers such as `// -----` are wanted; they end at the end of a line.
    if (RULER.test(trimmed.slice(start, start + period))) continue;
    return trimmed.slice(0, start + period);
  }
  return text;
}

/** A loop somewhere in a text that somebody asked for: it ends with the first appearance of what is repeated. */
export const loops: Filter = {
  name: 'repetition',
  apply(text) {
    for (const { 0: run, 1: piece = '', index } of text.matchAll(LOOP)) {
      if (run.length < SHORTEST_LOOP || RULER.test(piece) || /^[\s\d]+$/.test(piece)) continue;
      return text.slice(0, index + piece.length);
    }
    return text;
  },
};

function nonBlankLines(text: string): string[] {
  return text.split('\n').filter((line) => !isBlank(line));
}
