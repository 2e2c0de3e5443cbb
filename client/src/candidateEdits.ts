import * as vscode from 'vscode';
import { toRange } from './documents';
import type { Candidate } from './fillTarget';
import { changedKeptLine, type OffsetEdit } from './textEdits';

/** The edits of a candidate as offsets of the document it was computed for. */
export function offsetEdits(document: vscode.TextDocument, { edits }: Candidate): readonly OffsetEdit[] {
  return edits.map(({ range, newText }) => {
    const { start, end } = toRange(range);
    return { start: document.offsetAt(start), end: document.offsetAt(end), newText };
  });
}

/** What the edits would do to a line that must stay, in a sentence; undefined when they keep them all. */
export function keptLineProblem(
  document: vscode.TextDocument,
  edits: readonly OffsetEdit[],
  kept: readonly number[],
): string | undefined {
  const changed = changedKeptLine(document.getText(), edits, kept);
  if (changed === undefined) return undefined;
  return vscode.l10n.t(
    'nothing was written, because the kept line {0} would change: expected {1}, got {2}. Please report this.',
    changed.line + 1,
    JSON.stringify(changed.expected),
    JSON.stringify(changed.came),
  );
}
