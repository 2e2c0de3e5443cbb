import { relative } from 'node:path';
import * as vscode from 'vscode';
import type { CandidatePreview } from '../candidatePreview';
import { offsetEdits } from '../candidateEdits';
import type { Client } from '../client';
import type { Config } from '../config';
import { isCurrent, keepActiveTab, writableEditor } from '../documents';
import { whyRejected, type Fills } from '../fills';
import { selectionTarget, type Candidate, type FillTarget } from '../fillTarget';
import type { KeptLines } from '../keepLines';
import type { Log } from '../log';
import { withEdits } from '../textEdits';
import { runCheck, type CheckFailure, type CheckResult } from './childProcess';
import { createScratchCopy, removeStaleCopies, type ScratchCopy, type UnsavedFile } from './scratchCopy';
import { findPassing, type Answer, type SearchOutcome } from './search';

const COMMAND = 'parafill.regenerateUntilCheckPasses';

/** The end of a failed check's output says most; a log is no place for all of it. */
const MOST_LOGGED_LINES = 100;

export interface CheckParts {
  readonly client: Client;
  readonly config: Config;
  readonly preview: CandidatePreview;
  readonly fills: Fills;
  readonly kept: KeptLines;
  readonly log: Log;
}

/** Registers Regenerate Until Check Passes. */
export function registerRegenerateUntilCheckPasses(parts: CheckParts): vscode.Disposable {
  const closing = new AbortController();
  return vscode.Disposable.from(
    vscode.commands.registerCommand(COMMAND, () => regenerateUntilCheckPasses(parts, closing.signal)),
    {
      dispose: () => {
        closing.abort();
      },
    },
  );
}

/** What is to be replaced, and where it belongs. */
interface Task {
  readonly target: FillTarget;
  /** The document before anything is replaced. */
  readonly text: string;
  /** What is replaced; a part of what the person selected, where that ends inside a kept line. */
  readonly range: vscode.Range;
  readonly selection: vscode.Selection;
  /** The candidates that were tried, by their text. */
  readonly candidates: Map<string, Candidate>;
  readonly folder: vscode.WorkspaceFolder;
  readonly command: string;
}

/**
 * Tries candidates for the selection in a scratch copy until the person's own check passes. The document changes
 * only when the person takes the candidate that passed.
 */
async function regenerateUntilCheckPasses(parts: CheckParts, closing: AbortSignal): Promise<void> {
  const task = await prepare(parts);
  if (task === undefined) return;
  const outcome = await search(parts, task, closing);
  parts.log.info(`Regenerate Until Check Passes (${task.command}): ${describe(outcome)}`);
  if (outcome.kind === 'passed') await offer(parts, task, outcome);
  else tell(parts, task, outcome);
}

/** Everything that has to be there first; tells the person what is missing. */
async function prepare({ client, config, kept }: CheckParts): Promise<Task | undefined> {
  const { t } = vscode.l10n;
  const editor = await writableEditor();
  if (editor === undefined) return undefined;
  const { document, selection } = editor;
  if (!vscode.workspace.isTrusted) {
    const manage = t('Manage Trust');
    const text = t('Parafill: check commands run only in workspaces you trust.');
    if ((await vscode.window.showWarningMessage(text, manage)) === manage)
      await vscode.commands.executeCommand('workbench.trust.manage');
    return undefined;
  }
  const folder = vscode.workspace.getWorkspaceFolder(document.uri);
  if (document.uri.scheme !== 'file' || folder?.uri.scheme !== 'file') {
    const text = t('Parafill: a check needs a file of an open folder. Save this one into the folder first.');
    void vscode.window.showInformationMessage(text);
    return undefined;
  }
  const target = selectionTarget(client, kept, editor);
  const range = target?.ranges[0];
  if (target === undefined || range === undefined) return undefined;
  await keepActiveTab();
  const text = document.getText();
  const command = config.checkCommand(folder) || (await askForCommand(config, folder));
  if (command === undefined) return undefined;
  return { target, text, range, selection, folder, command, candidates: new Map() };
}

async function askForCommand(config: Config, folder: vscode.WorkspaceFolder): Promise<string | undefined> {
  const { t } = vscode.l10n;
  const given = await vscode.window.showInputBox({
    title: t('Parafill: check command of {0}', folder.name),
    prompt: t(
      'It runs in a copy of the folder and succeeds when the code is right. It is kept in the setting {0}.',
      'parafill.checkCommand',
    ),
    placeHolder: t('for example npm test, or .venv/bin/pytest -q'),
    ignoreFocusOut: true,
  });
  const command = given?.trim() ?? '';
  if (command === '') return undefined;
  await config.setCheckCommand(folder, command);
  return command;
}

/** Runs the whole search behind a notification with a Cancel button. */
async function search(parts: CheckParts, task: Task, closing: AbortSignal): Promise<SearchOutcome> {
  const abort = new AbortController();
  const stop = (): void => {
    abort.abort();
  };
  closing.addEventListener('abort', stop);
  const listening = vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    // Whatever passes now would be for a text that is gone.
    if (document === task.target.taken.document && contentChanges.length > 0) stop();
  });
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: vscode.l10n.t('Parafill: regenerating until "{0}" passes', task.command),
    cancellable: true,
  };
  try {
    return await vscode.window.withProgress(options, async (progress, token) => {
      token.onCancellationRequested(stop);
      progress.report({ message: vscode.l10n.t('making a scratch copy') });
      return searchInCopy(parts, task, abort.signal, (message, increment) => {
        progress.report({ message, increment });
      });
    });
  } catch (error) {
    return { kind: 'stopped', by: 'check', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    closing.removeEventListener('abort', stop);
    listening.dispose();
  }
}

async function searchInCopy(
  parts: CheckParts,
  task: Task,
  signal: AbortSignal,
  report: (message: string, increment: number) => void,
): Promise<SearchOutcome> {
  const onFailure = (reason: string): void => {
    parts.log.warn(`A scratch copy cannot be removed: ${reason}`);
  };
  await removeStaleCopies(onFailure);
  const copy = await createScratchCopy(task.folder.uri.fsPath, await unsavedFiles(task), signal);
  if (copy === undefined) return { kind: 'cancelled' };
  parts.log.debug(`The scratch copy (${copy.kind}) is ${copy.folder}.`);
  const total = parts.config.checkCandidates;
  try {
    return await findPassing({
      total,
      original: task.target.taken.document.getText(task.range),
      ask: (count, round) => ask(task, count, round, signal),
      check: (text) => check(parts, task, copy, text, signal),
      onTry: (number) => {
        report(vscode.l10n.t('candidate {0} of {1}', number, total), 100 / total);
      },
    });
  } finally {
    // What was found is found all the same.
    await copy.dispose().catch((error: unknown) => {
      onFailure(String(error));
    });
  }
}

/** What other editors show and the disk does not have. */
async function unsavedFiles(task: Task): Promise<readonly UnsavedFile[]> {
  const dirty = vscode.workspace.textDocuments.filter(
    (document) =>
      document.isDirty &&
      document !== task.target.taken.document &&
      vscode.workspace.getWorkspaceFolder(document.uri) === task.folder,
  );
  return Promise.all(
    dirty.map(async (document) => ({
      path: pathInFolder(task, document),
      content: await encode(document, document.getText()),
    })),
  );
}

async function ask(task: Task, candidates: number, round: number, signal: AbortSignal): Promise<Answer> {
  if (signal.aborted) return { kind: 'cancelled' };
  const cancellation = new vscode.CancellationTokenSource();
  const cancel = (): void => {
    cancellation.cancel();
  };
  signal.addEventListener('abort', cancel);
  try {
    const { token } = cancellation;
    const result = await task.target
      .ask({ candidates, seed: round }, token)
      .catch((error: unknown) => whyRejected(error, token));
    switch (result.kind) {
      case 'filled':
        return { kind: 'texts', texts: result.candidates.map((candidate) => note(task, candidate)) };
      case 'empty':
        return { kind: 'texts', texts: [] };
      case 'cancelled':
        return { kind: 'cancelled' };
      case 'stale':
      case 'failed':
        return { kind: 'failed', reason: result.reason };
    }
  } finally {
    signal.removeEventListener('abort', cancel);
    cancellation.dispose();
  }
}

/** The text that a candidate puts in place of the range, by which it is found again. */
function note(task: Task, candidate: Candidate): string {
  const { document } = task.target.taken;
  const edits = offsetEdits(document, candidate);
  const growth = edits.reduce((sum, { start, end, newText }) => sum + newText.length - (end - start), 0);
  const text = withEdits(task.text, edits).slice(
    document.offsetAt(task.range.start),
    document.offsetAt(task.range.end) + growth,
  );
  task.candidates.set(text, candidate);
  return text;
}

async function check(
  { config }: CheckParts,
  task: Task,
  copy: ScratchCopy,
  candidate: string,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { document } = task.target.taken;
  await copy.write(pathInFolder(task, document), await encode(document, withCandidate(task, candidate)));
  return runCheck(task.command, {
    folder: copy.folder,
    timeoutMs: config.checkTimeoutMs,
    environment: copy.environment,
    signal,
  });
}

/** The whole document with a text in place of the range. */
function withCandidate({ text, target, range }: Task, candidate: string): string {
  const { document } = target.taken;
  return text.slice(0, document.offsetAt(range.start)) + candidate + text.slice(document.offsetAt(range.end));
}

function pathInFolder({ folder }: Task, document: vscode.TextDocument): string {
  return relative(folder.uri.fsPath, document.uri.fsPath);
}

/** The bytes that saving the document would write. */
function encode(document: vscode.TextDocument, text: string): Thenable<Uint8Array> {
  return vscode.workspace.encode(text, { encoding: document.encoding });
}

type Passed = Extract<SearchOutcome, { kind: 'passed' }>;

/** Shows the candidate that passed as a diff and writes it when the person takes it. */
async function offer(parts: CheckParts, task: Task, passed: Passed): Promise<void> {
  const { t } = vscode.l10n;
  const { preview, config, fills } = parts;
  const { target, selection, range, command } = task;
  const { document } = target.taken;
  const seconds = (passed.ms / 1000).toFixed(1);
  const fact = t(
    'candidate {0} of {1} passed ({2}, {3} s)',
    passed.number,
    config.checkCandidates,
    command,
    seconds,
  );
  // Whoever went on with something else would have a list take the keys they type.
  if (vscode.window.activeTextEditor?.document !== document && !(await wantsToSee(fact))) return;
  if (!isCurrent(target.taken)) {
    tell(parts, task, { kind: 'cancelled' });
    return;
  }
  const doubt = t('but the check passes with nonsense in its place, too: it does not look at this code');
  const diff = preview.open(document, range.start, t('Parafill: {0}', fact));
  const accept = { label: `$(check) ${t('Take it')}` };
  const discard = { label: `$(discard) ${t('Keep my text')}` };
  let chosen: vscode.QuickPickItem | undefined;
  try {
    await diff.show(withCandidate(task, passed.text), { preserveFocus: true });
    chosen = await vscode.window.showQuickPick([accept, discard], {
      title: passed.isTelling ? `Parafill: ${fact}` : `Parafill: ${fact}, ${doubt}`,
      placeHolder: t('Enter takes the candidate, Esc keeps your text'),
      // Looking around in the diff must not close the list.
      ignoreFocusOut: true,
    });
  } finally {
    await diff.close();
    if (!document.isClosed) await vscode.window.showTextDocument(document, { selection });
  }
  const candidate = task.candidates.get(passed.text);
  if (chosen === accept && candidate !== undefined) await fills.write(target, candidate);
}

async function wantsToSee(fact: string): Promise<boolean> {
  const show = vscode.l10n.t('Show');
  return (await vscode.window.showInformationMessage(`Parafill: ${fact}.`, show)) === show;
}

/** Says why nothing changed. */
function tell({ log, config }: CheckParts, task: Task, outcome: Exclude<SearchOutcome, Passed>): void {
  const { t } = vscode.l10n;
  switch (outcome.kind) {
    case 'cancelled':
      if (!isCurrent(task.target.taken)) {
        const text = t('Parafill: the document changed meanwhile, so nothing was regenerated.');
        void vscode.window.showInformationMessage(text);
      }
      return;
    case 'stopped': {
      const text =
        outcome.by === 'model'
          ? `Parafill: ${outcome.reason}`
          : t('Parafill: the check "{0}" cannot be run: {1}', task.command, outcome.reason);
      void vscode.window.showErrorMessage(text);
      return;
    }
    case 'nonePassed': {
      const { because, output } = outcome.last;
      log.info(t('The last output of {0}:', task.command));
      for (const line of output.trimEnd().split('\n').slice(-MOST_LOGGED_LINES)) log.info(`  ${line}`);
      const how = inWords(because, config.checkTimeoutMs / 1000);
      const text = t(
        'Parafill: none of {0} candidates passed "{1}" (the last one: {2}). Nothing was changed.',
        outcome.tried,
        task.command,
        how,
      );
      const showLog = t('Show Log');
      void vscode.window.showWarningMessage(text, showLog).then((choice) => {
        return choice === showLog ? vscode.commands.executeCommand('parafill.showLog') : undefined;
      });
    }
  }
}

function inWords(failure: CheckFailure, limitSeconds: number): string {
  const { t } = vscode.l10n;
  switch (failure.kind) {
    case 'exit':
      return t('exit code {0}', failure.code);
    case 'signal':
      return t('ended by {0}', failure.name);
    case 'timeout':
      return t('no end within {0} s', limitSeconds);
    case 'output':
      return t('output without end');
  }
}

/** For the log. */
function describe(outcome: SearchOutcome): string {
  switch (outcome.kind) {
    case 'passed':
      return `candidate ${outcome.number} passed in ${Math.round(outcome.ms)} ms${outcome.isTelling ? '' : ', and so did nonsense'}.`;
    case 'nonePassed':
      return `none of ${outcome.tried} candidates passed.`;
    case 'stopped':
      return outcome.reason;
    case 'cancelled':
      return 'cancelled.';
  }
}
