import type { Asked } from './replay';

export interface Saving {
  /** Characters that would have come from accepted completions. */
  readonly characters: number;
  /** How many completions would have been accepted … */
  readonly accepted: number;
  /** … of how many that were shown. What is left of one while it is typed along is no new one. */
  readonly shown: number;
  /** Characters of the file that were typed, the editor's own closing ones not counted. */
  readonly typed: number;
}

/**
 * What a person would have saved who accepts whatever is right, line by line, and nothing else. What comes
 * from an accepted completion is not typed any more, so nothing can be saved there again.
 *
 * @param asked the requests of one file.
 */
export function saved(asked: readonly Pick<Asked, 'event' | 'ghost'>[]): Saving {
  let characters = 0;
  let accepted = 0;
  let shown = 0;
  let typed = 0;
  let [from, until] = [0, 0];
  let before: string | undefined;
  for (const { event, ghost } of asked) {
    const { kind, offset, cursor, place, rest } = event;
    if (kind === 'type') typed += cursor - offset;
    const isNew = ghost !== undefined && before?.endsWith(ghost) !== true;
    before = ghost;
    if (ghost === undefined || (from <= place && place < until)) continue;
    if (isNew) shown += 1;
    const length = acceptable(ghost, rest);
    if (length === 0) continue;
    characters += length;
    accepted += 1;
    [from, until] = [place, place + length];
  }
  return { characters, accepted, shown, typed };
}

/**
 * How much of a completion is right: all of it, or as many of its first lines as are whole lines of what
 * follows.
 *
 * @param rest what the person is going to write at the cursor.
 */
export function acceptable(ghost: string, rest: string): number {
  if (rest.startsWith(ghost)) return ghost.length;
  for (let end = ghost.lastIndexOf('\n'); end > 0; end = ghost.lastIndexOf('\n', end - 1)) {
    if (rest.startsWith(ghost.slice(0, end + 1))) return end;
  }
  return 0;
}
