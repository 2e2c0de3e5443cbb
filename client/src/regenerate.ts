import * as vscode from 'vscode';
import type { CandidateChoice, CandidateView } from './candidateChoice';
import type { Client } from './client';
import type { Config } from './config';
import { DOCUMENTS, isOurs, tell, writableEditor } from './documents';
import { holesTarget, selectionTarget, type FillTarget } from './fillTarget';
import type { KeptLines } from './keepLines';

const COMMAND = 'parafill.regenerateSelection';

export interface RegenerateParts {
  readonly client: Client;
  readonly config: Config;
  readonly choice: CandidateChoice;
  readonly kept: KeptLines;
}

/**
 * Registers Regenerate Selection, as a command and as a Refactor-Rewrite code action, and the two commands that
 * show all candidates to compare them.
 */
export function registerRegenerate(parts: RegenerateParts): vscode.Disposable {
  const kind = vscode.CodeActionKind.RefactorRewrite.append('parafill');
  const provider: vscode.CodeActionProvider = {
    provideCodeActions(document, range) {
      if (range.isEmpty || !isOurs(document) || !parts.config.enabled) return [];
      const title = vscode.l10n.t('Regenerate with Parafill');
      const action = new vscode.CodeAction(title, kind);
      action.command = { command: COMMAND, title };
      return [action];
    },
  };
  return vscode.Disposable.from(
    vscode.commands.registerCommand(COMMAND, () => regenerateSelection(parts)),
    vscode.commands.registerCommand('parafill.compareCandidates', () => compare(parts, 'list')),
    vscode.commands.registerCommand('parafill.openAllCandidates', () => compare(parts, 'all')),
    vscode.languages.registerCodeActionsProvider([...DOCUMENTS], provider, {
      providedCodeActionKinds: [kind],
    }),
  );
}

async function regenerateSelection({ client, choice, kept }: RegenerateParts): Promise<void> {
  const editor = await writableEditor();
  const target = editor && selectionTarget(client, kept, editor);
  if (target !== undefined) await choice.run(target, 'diff');
}

/** Compares the candidates that are there, or those for the selection, or else for the holes of the document. */
async function compare(parts: RegenerateParts, view: Exclude<CandidateView, 'diff'>): Promise<void> {
  const { choice } = parts;
  if (choice.isOpen) {
    choice.showList(view === 'all' ? 'all' : 'one');
    return;
  }
  const editor = await writableEditor();
  if (editor === undefined) return;
  const target = comparable(parts, editor);
  if (target !== undefined) await choice.run(target, view);
}

function comparable(
  { client, config, kept }: RegenerateParts,
  editor: vscode.TextEditor,
): FillTarget | undefined {
  const holes = holesTarget(client, editor);
  const areSelected = holes?.ranges.every((hole) => editor.selection.contains(hole)) === true;
  if (!editor.selection.isEmpty && !areSelected) return selectionTarget(client, kept, editor);
  if (holes === undefined) {
    tell(vscode.l10n.t('select code or mark holes with {0} first.', '⟦⟧'));
    return undefined;
  }
  const { candidates } = config;
  return {
    ...holes,
    ask: (wish, token, onProgress) => holes.ask({ candidates, ...wish }, token, onProgress),
  };
}
