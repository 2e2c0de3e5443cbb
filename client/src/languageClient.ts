import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  ProgressType,
  RevealOutputChannelOn,
  State,
  TransportKind,
  type CloseHandlerResult,
  type LanguageClientOptions,
  type ServerOptions,
} from 'vscode-languageclient/node';
import {
  STATUS_CHANGED,
  type FillProgress,
  type InitializationOptions,
  type StatusParams,
} from '../../server/src/protocol';
import { DOCUMENTS } from './documents';
import type { Log } from './log';

// The only file that loads the library for language clients, which takes longer than all the rest of the extension.

export const FILL_PROGRESS = new ProgressType<FillProgress>();

/** What becomes of the server. */
export interface ServerEvents {
  readonly starting: () => void;
  /** It says how it is. */
  readonly status: (status: StatusParams) => void;
  /** It ended unexpectedly; tells whether it is to be started again. */
  readonly closed: () => boolean;
}

/** Makes the client of the server, which is not started yet. */
export function createLanguageClient(serverPath: string, log: Log, events: ServerEvents): LanguageClient {
  const run = { module: serverPath, transport: TransportKind.ipc } as const;
  const serverOptions: ServerOptions = { run, debug: run };
  const options: LanguageClientOptions = {
    documentSelector: [...DOCUMENTS],
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: (): InitializationOptions => ({
      settings: vscode.workspace.getConfiguration().get('parafill'),
      statusNotifications: true,
      trusted: vscode.workspace.isTrusted,
    }),
    // Opening fifty files at once must not send fifty texts to a server that looks at one.
    textSynchronization: { delayOpenNotifications: true },
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue }),
      closed: (): CloseHandlerResult => ({
        action: events.closed() ? CloseAction.Restart : CloseAction.DoNotRestart,
        handled: true,
      }),
    },
  };
  const client = new LanguageClient('parafill', 'Parafill', serverOptions, options);
  client.onDidChangeState(({ newState }) => {
    if (newState === State.Starting) events.starting();
  });
  client.onNotification(STATUS_CHANGED, events.status);
  return client;
}
