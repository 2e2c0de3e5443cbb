/** A file of the workspace, or a part of one, that may help to fill a hole in another place. */
export interface SourceFile {
  /** With slashes; the model is shown its last two parts. */
  readonly path: string;
  /** With `\n` for every line end. */
  readonly text: string;
  /** Whether the file that is filled imports it or is it, so that its declarations are what may be used. */
  readonly imported: boolean;
  /** Where the person worked in it lately, in UTF-16 units. */
  readonly recent?: readonly number[];
}
