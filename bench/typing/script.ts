import { type Random, rowRandom } from '../../server/src/diffusion/rng';
import { type Block, planBlocks } from './blocks';
import { Rhythm } from './rhythm';
import { typeBlock } from './typist';

/** One thing a person does to a document. Offsets count UTF-16 units of the document as it is then. */
export interface TypingEvent {
  /** A jump moves the cursor and changes nothing; everything else is an edit. */
  readonly kind: 'type' | 'overtype' | 'typo' | 'backspace' | 'delete' | 'jump';
  /** Milliseconds after the event before. */
  readonly pauseMs: number;
  /** So many units from `offset` on … */
  readonly offset: number;
  readonly removed: number;
  /** … become this. */
  readonly inserted: string;
  /** Where the cursor is then. */
  readonly cursor: number;
  /** Where in the file the cursor is, in the end. */
  readonly place: number;
  /** What the person is going to write at the cursor before what stands there already; '' while correcting. */
  readonly rest: string;
}

/** How a file comes to be. */
export interface TypingScript {
  /** The document at the beginning: the file without what is typed. */
  readonly initial: string;
  readonly events: readonly TypingEvent[];
}

export interface ScriptOptions {
  readonly seed: number;
  /** How much of the file is typed at most, in UTF-16 units; the rest stands there from the beginning. */
  readonly typed: number;
}

/**
 * Makes up how a person types a part of a file, some lines at a time and not always in order, with typing
 * mistakes, and with an editor that closes brackets and quotes. What comes out is exactly the file.
 */
export function typingScript(file: string, { seed, typed }: ScriptOptions): TypingScript {
  const random = rowRandom(seed, 0);
  const blocks = planBlocks(file, typed, random);
  const missing = [...blocks];
  const events = blocks.flatMap((block) => {
    missing.splice(missing.indexOf(block), 1);
    return [...eventsOf(file, block, missing, random)];
  });
  return { initial: without(file, blocks), events };
}

/** @param missing the blocks that are not typed yet. */
function* eventsOf(
  file: string,
  block: Block,
  missing: readonly Block[],
  random: Random,
): Generator<TypingEvent> {
  const before = missing.filter(({ end }) => end <= block.start);
  const base = block.start - before.reduce((sum, { start, end }) => sum + end - start, 0);
  const next = without(file, missing).charAt(base + block.end - block.start);
  const rhythm = new Rhythm(random);
  const jump = { kind: 'jump', removed: 0, inserted: '' } as const;
  yield { ...jump, pauseMs: rhythm.jump(), offset: base, cursor: base, place: block.start, rest: '' };
  for (const { offset, cursor, place, ...event } of typeBlock(
    file.slice(block.start, block.end),
    next,
    rhythm,
    random,
  )) {
    yield { ...event, offset: base + offset, cursor: base + cursor, place: block.start + place };
  }
}

/** The file with these parts of it missing. */
function without(file: string, blocks: readonly Block[]): string {
  let text = '';
  let from = 0;
  for (const { start, end } of [...blocks].sort((a, b) => a.start - b.start)) {
    text += file.slice(from, start);
    from = end;
  }
  return text + file.slice(from);
}
