/**
 * A model that cannot be used: the message names the file, what was expected, what was found and what to
 * do. It is shown to the person as it stands.
 */
export class ModelError extends Error {
  override readonly name = 'ModelError';

  /** @param path the file or folder that is wrong. */
  constructor(
    readonly path: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${problem}`, options);
  }
}
