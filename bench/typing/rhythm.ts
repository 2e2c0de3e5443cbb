import type { Random } from '../../server/src/diffusion/rng';

/** Medians of the milliseconds between two keystrokes, by what was typed before, and of other doings. */
const medians = { letter: 120, blank: 180, punctuation: 230, line: 450, notice: 350, jump: 900 };
/** Now and then a person thinks before a word or a line. */
const thinking = { share: 0.06, median: 1200 };
/** Standard deviation of the logarithm: the slowest sixth takes half as long again. */
const variation = 0.4;

/** How long a person takes between one key and the next: log-normal around what is usual there. */
export class Rhythm {
  constructor(private readonly random: Random) {}

  /** Before a character that follows this one; '' at the beginning. */
  after(character: string): number {
    const isWord = /[\p{L}\p{N}_]/u.test(character);
    if (!isWord && this.random() < thinking.share) return this.around(thinking.median);
    if (isWord) return this.around(medians.letter);
    if (/[\r\n]/.test(character)) return this.around(medians.line);
    return this.around(/\s/.test(character) ? medians.blank : medians.punctuation);
  }

  /** Before a mistake is corrected. */
  notice(): number {
    return this.around(medians.notice);
  }

  /** Before the cursor is set elsewhere. */
  jump(): number {
    return this.around(medians.jump);
  }

  private around(median: number): number {
    // Box and Muller 1958: a normal number out of two uniform ones.
    const normal = Math.sqrt(-2 * Math.log(1 - this.random())) * Math.cos(2 * Math.PI * this.random());
    return Math.round(median * Math.exp(variation * normal));
  }
}
