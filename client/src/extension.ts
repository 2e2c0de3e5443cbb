import type * as vscode from 'vscode';
import type { LastOutcomeResult, StatusParams } from '../../server/src/protocol';
import { registerBenchmark } from './benchmark';
import { CandidateChoice } from './candidateChoice';
import { CandidatePreview } from './candidatePreview';
import { registerRegenerateUntilCheckPasses } from './check/regenerateUntilCheckPasses';
import { Client } from './client';
import { Config } from './config';
import { DenoisingView } from './denoisingView';
import { Fills } from './fills';
import { HoleDecorations } from './holeDecorations';
import { registerHoleHover } from './holeHover';
import { registerHoleCommands } from './holes';
import { KeptLines, registerKeepLines } from './keepLines';
import { Log } from './log';
import { offerManualOnlyOnce } from './manualOnlyOffer';
import { registerRegenerate } from './regenerate';
import { registerSample } from './sample';
import { registerSelectModel } from './selectModel';
import { contributedSettings } from './settingSchema';
import { warnAboutSettings } from './settingsWarning';
import { StatusItem, registerStatusCommands } from './status';
import { UncertainParts, registerUncertainParts } from './uncertainParts';

/** What the extension tells other extensions, its own tests foremost. */
export interface ParafillApi {
  /** The last lines of the log. */
  readonly log: readonly string[];
  /** The state as the status item shows it. */
  readonly status: StatusParams | undefined;
  /** The numbers of the lines of a document that are marked to be kept. */
  keptLines(document: vscode.TextDocument): readonly number[];
  /** The parts of accepted fills that are marked as uncertain. */
  uncertainParts(document: vscode.TextDocument): readonly vscode.Range[];
  /** What was drawn of fills in the making. */
  readonly denoising: DenoisingView['drawn'];
  /** What became of the latest request, without its text. */
  lastOutcome(): Promise<LastOutcomeResult>;
}

let running: Client | undefined;

/** Builds everything; the server starts by itself with the first document, so that this stays quick. */
export function activate(context: vscode.ExtensionContext): ParafillApi {
  const log = new Log();
  const packageJson = context.extension.packageJSON as { readonly version: string };
  const schemas = contributedSettings(packageJson);
  const config = new Config(schemas);
  const client = new Client(context.asAbsolutePath('dist/server.js'), log);
  const status = new StatusItem(client, log);
  const preview = new CandidatePreview();
  const denoising = new DenoisingView(config);
  const uncertain = new UncertainParts(config);
  const fills = new Fills(denoising, uncertain, config);
  const choice = new CandidateChoice(preview, fills, config);
  const kept = new KeptLines(context.extensionUri);
  running = client;
  context.subscriptions.push(
    client,
    status,
    choice,
    preview,
    kept,
    denoising,
    uncertain,
    new HoleDecorations(),
    registerStatusCommands(client, config, log),
    registerRegenerateUntilCheckPasses({ client, config, preview, fills, kept, log }),
    registerSample(),
    registerSelectModel(client, config),
    registerBenchmark(client, packageJson.version),
    warnAboutSettings(schemas, log),
    offerManualOnlyOnce(client, config, context.globalState),
    registerHoleCommands(client, fills),
    registerHoleHover(config),
    registerKeepLines(kept, config),
    registerRegenerate({ client, config, choice, kept }),
    registerUncertainParts(client, fills, uncertain, kept),
    // Everything else may still write to it while it is disposed.
    log,
  );
  client.startWithFirstDocument();
  return {
    get log() {
      return log.lines;
    },
    get status() {
      return status.status;
    },
    keptLines: (document) => kept.of(document),
    uncertainParts: (document) => uncertain.in(document),
    get denoising() {
      return denoising.drawn;
    },
    lastOutcome: () => client.lastOutcome(),
  };
}

/** Waits for the server's end, so that no process outlives the window. */
export async function deactivate(): Promise<void> {
  await running?.stop();
  running = undefined;
}
