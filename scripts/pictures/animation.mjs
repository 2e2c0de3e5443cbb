// Puts pictures of one size together to an animated GIF, which every page that shows a README plays.
import sharp from 'sharp';

/**
 * @typedef {object} Frame
 * @property {Buffer} png
 * @property {number} ms how long it is shown
 */

/** Collects frames and writes them. */
export class Animation {
  /** @type {Frame[]} */
  #frames = [];

  /**
   * @param {Buffer} png
   * @param {number} ms
   */
  add(png, ms) {
    const last = this.#frames.at(-1);
    if (last?.png.equals(png)) last.ms += ms;
    else this.#frames.push({ png, ms });
  }

  /**
   * @param {string} path
   * @param {number} width in pixels
   * @returns how many bytes it has
   */
  async write(path, width) {
    const images = await Promise.all(
      this.#frames.map(({ png }) => sharp(png).resize({ width }).png().toBuffer()),
    );
    const { size } = await sharp(images, { join: { animated: true } })
      .gif({
        // GIF counts in hundredths of a second.
        delay: this.#frames.map(({ ms }) => Math.max(20, Math.round(ms / 10) * 10)),
        loop: 0,
        effort: 10,
        dither: 0,
        // One palette for all frames, and pixels that stay are not stored again.
        reuse: true,
        interFrameMaxError: 4,
      })
      .toFile(path);
    return size;
  }
}
