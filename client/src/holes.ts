import * as vscode from 'vscode';
import { HOLE_CLOSE, HOLE_OPEN } from '../../server/src/protocol';
import type { Client } from './client';
import { activeEditor, editIn, tell, warn, writableEditor } from './documents';
import { tellWhyNot, type Fills } from './fills';
import { holesTarget } from './fillTarget';
import { findHoles } from './holeMarkers';

/** Registers the commands around `⟦⟧`: insert one, go to the next or previous one, fill them all. */
export function registerHoleCommands(client: Client, fills: Fills): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand('parafill.insertHole', insertHole),
    vscode.commands.registerCommand('parafill.nextHole', () => {
      goToHole('next');
    }),
    vscode.commands.registerCommand('parafill.previousHole', () => {
      goToHole('previous');
    }),
    vscode.commands.registerCommand('parafill.fillAllHoles', () => fillAllHoles(client, fills)),
  );
}

/** Puts a hole at every cursor, in place of what is selected there. */
async function insertHole(): Promise<void> {
  const editor = await writableEditor();
  if (editor === undefined) return;
  const problem = await editIn(editor, (builder) => {
    for (const selection of editor.selections) builder.replace(selection, HOLE_OPEN + HOLE_CLOSE);
  });
  if (problem !== undefined) {
    warn(problem);
    return;
  }
  // What was replaced is selected afterwards; the next key must not overwrite the hole.
  editor.selections = editor.selections.map(({ end }) => new vscode.Selection(end, end));
}

/** Selects the next hole after the cursor or the one before it, around the ends of the document. */
function goToHole(direction: 'next' | 'previous'): void {
  const editor = activeEditor();
  if (editor === undefined) return;
  const holes = findHoles(editor.document).map(({ range }) => range);
  // A selected hole was visited already, so the search goes on behind or before it.
  const { start, end } = editor.selection;
  const hole =
    direction === 'next'
      ? (holes.find((range) => range.start.isAfterOrEqual(end)) ?? holes[0])
      : (holes.findLast((range) => range.end.isBeforeOrEqual(start)) ?? holes.at(-1));
  if (hole === undefined) {
    sayNoHoles();
    return;
  }
  editor.selection = new vscode.Selection(hole.start, hole.end);
  editor.revealRange(hole, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** Fills the holes of the selection, or of the whole document, jointly and as one change. */
async function fillAllHoles(client: Client, fills: Fills): Promise<void> {
  const editor = await writableEditor();
  if (editor === undefined) return;
  const target = holesTarget(client, editor);
  if (target === undefined) {
    sayNoHoles();
    return;
  }
  const answer = await fills.ask(target, { seed: 0 });
  const [best] = answer.kind === 'filled' ? answer.candidates : [];
  if (best !== undefined) await fills.write(target, best);
  else if (answer.kind !== 'filled') tellWhyNot(answer);
}

function sayNoHoles(): void {
  tell(vscode.l10n.t('there is no hole here. Mark one with {0} (Parafill: Insert Hole).', '⟦⟧'));
}
