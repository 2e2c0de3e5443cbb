import * as vscode from 'vscode';
import type { OutcomeExplanation, StatusParams } from '../../server/src/protocol';
import type { Client } from './client';
import type { Config } from './config';
import { DOCUMENTS } from './documents';
import type { Log } from './log';

/** Shows how Parafill is doing, in the language status of every editor it works in. */
export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.languages.createLanguageStatusItem('parafill.status', [...DOCUMENTS]);
  private readonly disposables: { dispose(): unknown }[] = [this.item];
  private current: StatusParams | undefined;
  private lastMessage: string | undefined;

  constructor(
    client: Client,
    private readonly log: Log,
  ) {
    this.item.name = 'Parafill';
    this.item.command = { command: 'parafill.showActions', title: vscode.l10n.t('Actions') };
    this.show({ kind: 'loading', busy: false, reason: vscode.l10n.t('Starts with the first file.') });
    this.disposables.push(
      client.onStatus((status) => {
        this.show(status);
        this.tell(status);
      }),
    );
  }

  /** The latest status; for tests. */
  get status(): StatusParams | undefined {
    return this.current;
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private show(status: StatusParams): void {
    if (status.kind !== this.current?.kind) this.log.info(describe(status));
    this.current = status;
    this.item.text = headline(status);
    this.item.detail = detail(status);
    this.item.busy = status.busy || status.kind === 'loading';
    this.item.severity = severity(status);
    this.item.accessibilityInformation = { label: `Parafill: ${describe(status)}` };
  }

  /** What keeps Parafill from working is said once, not at every keystroke. */
  private tell(status: StatusParams): void {
    const message = status.kind === 'error' ? status.reason : status.warning;
    if (message === this.lastMessage) return;
    this.lastMessage = message;
    if (message === undefined) return;
    const showLog = vscode.l10n.t('Show Log');
    const restart = vscode.l10n.t('Restart Server');
    const text = `Parafill: ${message}`;
    const answer =
      status.kind === 'error'
        ? vscode.window.showErrorMessage(text, showLog, restart)
        : vscode.window.showWarningMessage(text, showLog);
    void answer.then((choice) => {
      if (choice === showLog) return vscode.commands.executeCommand('parafill.showLog');
      if (choice === restart) return vscode.commands.executeCommand('parafill.restartServer');
      return undefined;
    });
  }
}

/** The commands around the state: what it is, why nothing came, the log, the switch, a fresh start. */
export function registerStatusCommands(client: Client, config: Config, log: Log): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand('parafill.whyNoSuggestion', () => whyNoSuggestion(client, config)),
    vscode.commands.registerCommand('parafill.showLog', () => {
      log.show(true);
    }),
    vscode.commands.registerCommand('parafill.restartServer', () => client.restart()),
    vscode.commands.registerCommand('parafill.toggleAutomaticCompletions', () =>
      config.setAutomatic(!config.automatic),
    ),
    vscode.commands.registerCommand('parafill.showActions', () => showActions(config)),
  );
}

/** Explains the last request in a message and returns the sentence. */
async function whyNoSuggestion(client: Client, config: Config): Promise<string> {
  const text = await explain(client, config);
  const showLog = vscode.l10n.t('Show Log');
  void vscode.window.showInformationMessage(`Parafill: ${text}`, showLog).then((choice) => {
    return choice === showLog ? vscode.commands.executeCommand('parafill.showLog') : undefined;
  });
  return text;
}

async function explain(client: Client, config: Config): Promise<string> {
  if (!config.enabled) return vscode.l10n.t('It is switched off by the setting parafill.enable.');
  const outcome = await client.lastOutcome();
  if (outcome !== null) return outcomeInWords(outcome);
  const status = await client.status();
  return status.reason ?? vscode.l10n.t('Nothing has been asked for yet. Type in a file, or press Alt+\\.');
}

/** One sentence with everything that is known about a request but its text. */
function outcomeInWords(outcome: OutcomeExplanation): string {
  const { kind, reason, totalMs, candidatesComputed, candidatesOffered, filters, provider } = outcome;
  const facts = [`${Math.round(totalMs)} ms`];
  if (provider !== undefined) facts.push(provider);
  if (candidatesComputed > 0)
    facts.push(vscode.l10n.t('{0} of {1} candidates offered', candidatesOffered, candidatesComputed));
  if (filters.length > 0) facts.push(vscode.l10n.t('filters: {0}', filters.join(', ')));
  return `${kind}: ${reason} (${facts.join(', ')})`;
}

interface Action extends vscode.QuickPickItem {
  readonly command: string;
  readonly argument?: string;
}

async function showActions(config: Config): Promise<void> {
  const { t } = vscode.l10n;
  const actions: readonly Action[] = [
    { label: `$(question) ${t('Why No Suggestion?')}`, command: 'parafill.whyNoSuggestion' },
    {
      label: config.automatic
        ? `$(debug-pause) ${t('Pause Automatic Completions')}`
        : `$(play) ${t('Resume Automatic Completions')}`,
      command: 'parafill.toggleAutomaticCompletions',
    },
    { label: `$(package) ${t('Select Model…')}`, command: 'parafill.selectModel' },
    { label: `$(dashboard) ${t('Run Benchmark on This Machine')}`, command: 'parafill.runBenchmark' },
    { label: `$(output) ${t('Show Log')}`, command: 'parafill.showLog' },
    { label: `$(debug-restart) ${t('Restart Server')}`, command: 'parafill.restartServer' },
    {
      label: `$(book) ${t('Get Started')}`,
      command: 'workbench.action.openWalkthrough',
      argument: 'parafill.parafill#start',
    },
    {
      label: `$(gear) ${t('Settings')}`,
      command: 'workbench.action.openSettings',
      argument: '@ext:parafill.parafill',
    },
  ];
  const chosen = await vscode.window.showQuickPick(actions, { title: 'Parafill' });
  if (chosen !== undefined) await vscode.commands.executeCommand(chosen.command, chosen.argument);
}

function headline(status: StatusParams): string {
  const { t } = vscode.l10n;
  const ms = status.measuredMs === undefined ? '' : ` · ${Math.round(status.measuredMs)} ms`;
  switch (status.kind) {
    case 'loading':
      return t('Parafill: loading');
    case 'ready':
      return `$(sparkle) Parafill${ms}`;
    case 'slow':
      return `$(watch) ${t('Parafill: slow')}${ms}`;
    case 'paused':
      return `$(debug-pause) ${t('Parafill: paused')}`;
    case 'error':
      return `$(error) ${t('Parafill: error')}`;
  }
}

/** The list of all language statuses is as wide as its longest entry. */
const LONGEST_REASON = 60;

/** Model, provider and what is wrong, as far as they are known and fit. */
function detail(status: StatusParams): string {
  const reason = status.warning ?? (status.kind === 'slow' ? undefined : status.reason);
  const short =
    reason !== undefined && reason.length > LONGEST_REASON
      ? `${reason.slice(0, LONGEST_REASON).trimEnd()}…`
      : reason;
  return factsOf(status, short).join(' · ');
}

function factsOf({ model, provider }: StatusParams, reason: string | undefined): readonly string[] {
  return [
    ...(model === undefined ? [] : [`${model.name} ${model.version}`]),
    ...(provider === undefined ? [] : [provider]),
    ...(reason === undefined ? [] : [reason]),
  ];
}

function severity({ kind, warning }: StatusParams): vscode.LanguageStatusSeverity {
  if (kind === 'error') return vscode.LanguageStatusSeverity.Error;
  if (kind === 'slow' || warning !== undefined) return vscode.LanguageStatusSeverity.Warning;
  return vscode.LanguageStatusSeverity.Information;
}

/** The status in plain words, without icons. */
function describe(status: StatusParams): string {
  const facts = factsOf(status, status.reason ?? status.warning).join(' · ');
  const ms = status.measuredMs === undefined ? '' : `, ${Math.round(status.measuredMs)} ms`;
  return `${status.kind}${facts === '' ? '' : ` (${facts})`}${ms}`;
}
