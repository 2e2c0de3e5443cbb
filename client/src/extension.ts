import type * as vscode from 'vscode';
import type { LastOutcomeResult, StatusParams } from '../../server/src/protocol';
import { CandidatePreview } from './candidatePreview';
import { Client } from './client';
import { Config } from './config';
import { HoleDecorations, registerHoleCommands } from './holes';
import { Log } from './log';
import { registerRegenerate } from './regenerate';
import { StatusItem, registerStatusCommands } from './status';

/** What the extension tells other extensions, its own tests foremost. */
export interface ParafillApi {
  /** The last lines of the log. */
  readonly log: readonly string[];
  /** The state as the status item shows it. */
  readonly status: StatusParams | undefined;
  /** What became of the latest request, without its text. */
  lastOutcome(): Promise<LastOutcomeResult>;
}

let running: Client | undefined;

/** Builds everything; the server starts by itself with the first document, so that this stays quick. */
export function activate(context: vscode.ExtensionContext): ParafillApi {
  const log = new Log();
  const config = new Config();
  const client = new Client(context.asAbsolutePath('dist/server.js'), log);
  const status = new StatusItem(client, log);
  const preview = new CandidatePreview();
  running = client;
  context.subscriptions.push(
    client,
    status,
    preview,
    new HoleDecorations(),
    registerStatusCommands(client, config, log),
    registerHoleCommands(client),
    registerRegenerate(client, preview),
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
    lastOutcome: () => client.lastOutcome(),
  };
}

/** Waits for the server's end, so that no process outlives the window. */
export async function deactivate(): Promise<void> {
  await running?.stop();
  running = undefined;
}
