import type { Recall, Recollection } from './recall';
import type { Opening } from './task';

/** What is known of a hole's surroundings, for recalling what may stand in it. */
export class HoleMemory {
  /** The tokens that the hole may begin with, if not all: of the one that says nothing, nothing is recalled. */
  private readonly beginnings: ReadonlySet<number> | undefined;

  /**
   * @param before the tokens before the hole, its lead included; the last ones count.
   * @param end the token that ends a hole.
   * @param opening how the hole has to begin, if that is not free.
   * @param isRest whether the hole has tokens already, so that it may end at once.
   */
  constructor(
    private readonly recall: Recall,
    private readonly before: readonly number[],
    private readonly end: number,
    private readonly opening: Opening | undefined,
    private readonly isRest = false,
  ) {
    this.beginnings = opening && new Set(opening.ids.filter((id) => id !== opening.bare));
  }

  /**
   * What is recalled for a place of the hole.
   *
   * @param tokens the tokens of the hole before the place, as far back as they are known without a gap.
   * @param fromStart whether these are all from the hole's first token on.
   */
  at(tokens: Int32Array | readonly number[], fromStart = true): Recollection | undefined {
    const { recall, before, end, opening, isRest } = this;
    const known = [...tokens.slice(-recall.reach)];
    const isFirst = fromStart && tokens.length === 0;
    const saysNothing = isFirst || (fromStart && tokens.length === 1 && tokens[0] === opening?.bare);
    return recall.recollect({
      before: fromStart ? [...before, ...known] : known,
      end: saysNothing && !isRest ? undefined : end,
      allowed: isFirst ? this.beginnings : undefined,
    });
  }

  /** The memory for the rest of the hole behind its first tokens. */
  behind(tokens: Int32Array): HoleMemory {
    const before = [...this.before, ...tokens].slice(-this.recall.reach);
    return new HoleMemory(this.recall, before, this.end, undefined, true);
  }
}
