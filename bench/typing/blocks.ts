import type { Random } from '../../server/src/diffusion/rng';

/** A part of a file that is typed in one go; half-open, UTF-16 units. */
export interface Block {
  readonly start: number;
  readonly end: number;
}

const mostLines = 8;
/** How often a person leaves a part for later and types the next one first. */
const postponed = 0.25;

/**
 * Which part of a file is typed, and in which order: a stretch of at most `typed` units, cut into blocks of
 * some lines. In a longer file there is text before and after it. A block begins with the line break that
 * the person types behind the line above, so nothing ever stands right of the cursor that is not of its line.
 *
 * @returns in the order of typing.
 */
export function planBlocks(file: string, typed: number, random: Random): Block[] {
  const lineEnds = [...file.matchAll(/\r?\n/g)].map((match) => match.index);
  const { start, end } = stretch(file, lineEnds, typed, random);
  const inside = lineEnds.filter((index) => index > start && index < end);
  const blocks: Block[] = [];
  for (let from = start; from < end;) {
    const lines = inside.splice(0, 1 + Math.floor(random() * mostLines));
    const until = inside.length === 0 ? end : (lines.at(-1) ?? end);
    blocks.push({ start: from, end: until });
    from = until;
  }
  for (let i = 1; i < blocks.length; i++) {
    const [earlier, later] = [blocks[i - 1], blocks[i]];
    if (earlier !== undefined && later !== undefined && random() < postponed) {
      [blocks[i - 1], blocks[i]] = [later, earlier];
      // What was postponed comes next and not still later.
      i++;
    }
  }
  return blocks;
}

function stretch(file: string, lineEnds: readonly number[], typed: number, random: Random): Block {
  if (file.length <= typed) return { start: 0, end: file.length };
  // Neither the imports at the top nor the very end, where there is nothing below.
  const wish = Math.floor((file.length - typed) * (0.3 + 0.6 * random()));
  const lastUpTo = (most: number): number => lineEnds.findLast((index) => index <= most) ?? 0;
  const start = lastUpTo(wish);
  const end = lastUpTo(start + typed);
  return { start, end: end > start ? end : wholeCharacter(file, start + typed) };
}

/** The index, or one less where it would part a surrogate pair or a line break. */
function wholeCharacter(text: string, index: number): number {
  const around = text.slice(index - 1, index + 1);
  return /^(?:[\ud800-\udbff][\udc00-\udfff]|\r\n)$/.test(around) ? index - 1 : index;
}
