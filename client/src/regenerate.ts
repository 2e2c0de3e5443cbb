import * as vscode from 'vscode';
import type { RegenerateCandidate, RegenerateFilled, RegenerateResult } from '../../server/src/protocol';
import type { CandidatePreview } from './candidatePreview';
import type { Client } from './client';
import { DOCUMENTS, activeEditor, applyToSnapshot, isOurs, snapshot } from './documents';

const COMMAND = 'parafill.regenerateSelection';
const LABEL_LENGTH = 80;

/** Registers Regenerate Selection, as a command and as a Refactor-Rewrite code action. */
export function registerRegenerate(client: Client, preview: CandidatePreview): vscode.Disposable {
  const kind = vscode.CodeActionKind.RefactorRewrite.append('parafill');
  const provider: vscode.CodeActionProvider = {
    provideCodeActions(document, range) {
      if (range.isEmpty || !isOurs(document)) return [];
      const title = vscode.l10n.t('Regenerate with Parafill');
      const action = new vscode.CodeAction(title, kind);
      action.command = { command: COMMAND, title };
      return [action];
    },
  };
  return vscode.Disposable.from(
    vscode.commands.registerCommand(COMMAND, () => regenerateSelection(client, preview)),
    vscode.languages.registerCodeActionsProvider([...DOCUMENTS], provider, {
      providedCodeActionKinds: [kind],
    }),
  );
}

/**
 * Asks for candidates in place of the selection, previews them as a diff while the person chooses, and writes
 * the chosen one as one change. Until then the document is not touched.
 */
async function regenerateSelection(client: Client, preview: CandidatePreview): Promise<void> {
  const editor = activeEditor();
  if (editor === undefined) return;
  const { document, selection, viewColumn } = editor;
  if (selection.isEmpty) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('Parafill: select the code to regenerate first.'),
    );
    return;
  }

  const taken = snapshot(document);
  const title = vscode.l10n.t('Parafill: Regenerate Selection');
  const diff = preview.open(document, selection, title);
  const choice = new CandidateChoice(title, document, (text) => diff.show(text));
  let chosen: RegenerateCandidate | undefined;
  try {
    chosen = await choice.ask((seed, token) => {
      const { start, end } = selection;
      return client.regenerate(
        {
          textDocument: { ...client.asVersioned(document), version: taken.version },
          range: {
            start: { line: start.line, character: start.character },
            end: { line: end.line, character: end.character },
          },
          seed,
        },
        token,
      );
    });
  } finally {
    await diff.close();
    if (!document.isClosed)
      await vscode.window.showTextDocument(document, {
        ...(viewColumn === undefined ? {} : { viewColumn }),
        selection,
      });
  }
  if (chosen === undefined) return;
  const problem = await applyToSnapshot(taken, [vscode.TextEdit.replace(selection, chosen.text)]);
  if (problem !== undefined) void vscode.window.showWarningMessage(`Parafill: ${problem}`);
}

type Request = (seed: number, token: vscode.CancellationToken) => Promise<RegenerateResult>;

interface CandidateItem extends vscode.QuickPickItem {
  readonly candidate: RegenerateCandidate;
}

/** The list of candidates: each is previewed while it is the active one, Enter takes it, Esc takes none. */
class CandidateChoice {
  private readonly picker = vscode.window.createQuickPick<CandidateItem>();
  private readonly cancellation = new vscode.CancellationTokenSource();
  private seed = 0;
  private finish: (candidate: RegenerateCandidate | undefined) => void = () => undefined;

  constructor(
    title: string,
    private readonly document: vscode.TextDocument,
    private readonly showPreview: (text: string) => Promise<void>,
  ) {
    this.picker.title = title;
    this.picker.placeholder = vscode.l10n.t('Enter takes the candidate that is shown, Esc keeps your text');
    // Looking around in the diff must not close the list.
    this.picker.ignoreFocusOut = true;
    this.picker.matchOnDescription = true;
    this.picker.buttons = [
      { iconPath: new vscode.ThemeIcon('refresh'), tooltip: vscode.l10n.t('More candidates') },
    ];
  }

  /** Resolves to the candidate the person takes, or to undefined. Rejects when the request does. */
  async ask(request: Request): Promise<RegenerateCandidate | undefined> {
    const decided = new Promise<RegenerateCandidate | undefined>((resolve) => {
      this.finish = resolve;
    });
    const listeners = vscode.Disposable.from(
      this.picker.onDidAccept(() => {
        const item = this.picker.activeItems[0];
        if (item !== undefined) this.finish(item.candidate);
      }),
      this.picker.onDidHide(() => {
        this.finish(undefined);
      }),
      this.picker.onDidChangeActive(([item]) => {
        if (item !== undefined) this.showPreview(item.candidate.text).catch(() => undefined);
      }),
      this.picker.onDidTriggerButton(() => {
        // Every answer has a seed of its own, so that "more" is never the same again.
        this.seed += 1;
        void this.load(request);
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (document !== this.document || contentChanges.length === 0) return;
        this.giveUp(vscode.l10n.t('The document changed meanwhile, so nothing was regenerated.'));
      }),
    );
    try {
      this.picker.show();
      await this.load(request);
      return await decided;
    } finally {
      listeners.dispose();
      this.cancellation.cancel();
      this.cancellation.dispose();
      this.picker.dispose();
    }
  }

  /** Asks once and adds what is new to the list. */
  private async load(request: Request): Promise<void> {
    this.picker.busy = true;
    try {
      const result = await request(this.seed, this.cancellation.token);
      if (result.kind === 'filled') this.add(result);
      else if (result.kind !== 'cancelled' && this.picker.items.length === 0) this.giveUp(result.reason);
    } catch (error) {
      if (!this.cancellation.token.isCancellationRequested)
        this.giveUp(error instanceof Error ? error.message : String(error));
    } finally {
      this.picker.busy = false;
    }
  }

  private add({ candidates }: RegenerateFilled): void {
    const known = new Set(this.picker.items.map(({ candidate }) => candidate.text));
    const fresh = candidates.filter(({ text }) => !known.has(text)).map(asItem);
    this.picker.items = [...this.picker.items, ...fresh];
    const first = fresh[0];
    if (first !== undefined) this.picker.activeItems = [first];
  }

  private giveUp(reason: string): void {
    this.finish(undefined);
    void vscode.window.showInformationMessage(`Parafill: ${reason}`);
  }
}

/** Facts about a candidate, not percentages. */
function asItem(candidate: RegenerateCandidate): CandidateItem {
  const { t } = vscode.l10n;
  const lines = candidate.text.split(/\r?\n/);
  const line = lines.find((text) => text.trim() !== '')?.trim() ?? t('(nothing)');
  const facts: string[] = [];
  if (candidate.parses !== undefined)
    facts.push(candidate.parses ? `$(check) ${t('parses')}` : `$(warning) ${t('does not parse')}`);
  if (!candidate.complete) facts.push(t('cut off'));
  if (lines.length > 1) facts.push(t('{0} lines', lines.length));
  facts.push(t('score {0}', candidate.score.toFixed(1)));
  return {
    label: line.length > LABEL_LENGTH ? `${line.slice(0, LABEL_LENGTH)}…` : line,
    description: facts.join(' · '),
    alwaysShow: true,
    candidate,
  };
}
