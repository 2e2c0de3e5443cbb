import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import {
  BENCHMARK,
  CHECK_MODEL,
  FILL_HOLES,
  GET_STATUS,
  LAST_OUTCOME,
  REGENERATE,
  WORKSPACE_TRUSTED,
  type BenchmarkParams,
  type BenchmarkResult,
  type CheckModelParams,
  type CheckModelResult,
  type FillHolesParams,
  type FillHolesResult,
  type FillProgress,
  type LastOutcomeResult,
  type RegenerateParams,
  type RegenerateResult,
  type StatusParams,
} from '../../server/src/protocol';
import { isOurs } from './documents';
import type { Log } from './log';

/** A server that takes longer to start hangs. */
const SLOW_START_MS = 10_000;

/** More crashes than this within the window, and the server stays down until it is restarted by hand. */
const MAX_CRASHES = 4;
const CRASH_WINDOW_MS = 3 * 60_000;

/**
 * The language server as the features see it. It starts with the first document that can use it, because a
 * loaded model is too much memory for a window that only shows a terminal.
 */
export class Client implements vscode.Disposable {
  private readonly statusChanged = new vscode.EventEmitter<StatusParams>();
  private readonly disposables: { dispose(): unknown }[] = [this.statusChanged];
  private starting: Promise<LanguageClient> | undefined;
  private client: LanguageClient | undefined;
  private restarting: Promise<void> | undefined;
  private crashes: number[] = [];
  private progressTokens = 0;

  /** What the server says about itself, and about its absence. */
  readonly onStatus = this.statusChanged.event;

  constructor(
    private readonly serverPath: string,
    private readonly log: Log,
  ) {
    this.disposables.push(
      // A server that starts later is told so at its start.
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        if (this.client?.isRunning() === true) void this.client.sendNotification(WORKSPACE_TRUSTED);
      }),
    );
  }

  /** Starts the server as soon as an editor shows a document of ours. */
  startWithFirstDocument(): void {
    const show = (editor: vscode.TextEditor | undefined): boolean => {
      if (editor === undefined || !isOurs(editor.document)) return false;
      // Failures are in the status by then; who needs the server asks again.
      this.started().catch(() => undefined);
      return true;
    };
    if (show(vscode.window.activeTextEditor)) return;
    const waiting = vscode.window.onDidChangeActiveTextEditor((editor) => {
      if (show(editor)) waiting.dispose();
    });
    this.disposables.push(waiting);
  }

  /** Resolves once the server runs; rejects with the reason when it cannot be started. */
  async started(): Promise<LanguageClient> {
    this.starting ??= this.start().catch((error: unknown) => {
      // A client that failed to start would fail again with the same reason.
      void this.stop();
      this.client = undefined;
      this.starting = undefined;
      const reason = error instanceof Error ? error.message : String(error);
      this.log.error(`The language server did not start: ${reason}`);
      this.statusChanged.fire({
        kind: 'error',
        busy: false,
        reason: vscode.l10n.t('The language server did not start: {0}', reason),
      });
      throw error;
    });
    return this.starting;
  }

  /** Stops the server and its inference process and starts both anew; once, however often it is asked for meanwhile. */
  async restart(): Promise<void> {
    this.restarting ??= this.stopAndStart().finally(() => {
      this.restarting = undefined;
    });
    return this.restarting;
  }

  private async stopAndStart(): Promise<void> {
    this.log.info('Restarting the server.');
    this.crashes = [];
    // One that is only just starting cannot be stopped.
    await Promise.race([
      this.starting?.catch(() => undefined),
      new Promise((resolve) => setTimeout(resolve, SLOW_START_MS)),
    ]);
    // A server that hangs does not stop in time; its client would be of no use any more.
    await this.stop();
    this.client = undefined;
    this.starting = undefined;
    await this.started();
  }

  /** @param onProgress hears how the texts come about, until there is an answer */
  async fillHoles(
    params: FillHolesParams,
    token: vscode.CancellationToken,
    onProgress?: (progress: FillProgress) => void,
  ): Promise<FillHolesResult> {
    return this.fill<FillHolesResult>(FILL_HOLES, params, token, onProgress);
  }

  /** @param onProgress hears how the texts come about, until there is an answer */
  async regenerate(
    params: RegenerateParams,
    token: vscode.CancellationToken,
    onProgress?: (progress: FillProgress) => void,
  ): Promise<RegenerateResult> {
    return this.fill<RegenerateResult>(REGENERATE, params, token, onProgress);
  }

  async checkModel(params: CheckModelParams): Promise<CheckModelResult> {
    const client = await this.started();
    return client.sendRequest<CheckModelResult>(CHECK_MODEL, params);
  }

  async benchmark(params: BenchmarkParams, token: vscode.CancellationToken): Promise<BenchmarkResult> {
    const client = await this.started();
    return client.sendRequest<BenchmarkResult>(BENCHMARK, params, token);
  }

  async lastOutcome(): Promise<LastOutcomeResult> {
    const client = await this.started();
    return client.sendRequest<LastOutcomeResult>(LAST_OUTCOME);
  }

  async status(): Promise<StatusParams> {
    const client = await this.started();
    return client.sendRequest<StatusParams>(GET_STATUS);
  }

  /** A document as requests name it. */
  asVersioned({ uri, version }: vscode.TextDocument): { readonly uri: string; readonly version: number } {
    return { uri: uri.toString(), version };
  }

  /** Ends the server and what it started; resolves when it is gone or has been given up on. */
  async stop(): Promise<void> {
    try {
      await this.client?.dispose();
    } catch (error) {
      this.log.warn(`The language server did not stop in time: ${String(error)}`);
    }
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private async start(): Promise<LanguageClient> {
    // The library takes longer than all the rest of the extension, which nobody has to wait for.
    await new Promise(setImmediate);
    const { createLanguageClient } = await import('./languageClient');
    this.client ??= createLanguageClient(this.serverPath, this.log, {
      starting: () => {
        this.statusChanged.fire({ kind: 'loading', busy: false });
      },
      status: (status) => {
        this.statusChanged.fire(status);
      },
      closed: () => this.isToBeStartedAgain(),
    });
    await this.client.start();
    return this.client;
  }

  private async fill<Result>(
    method: string,
    params: object,
    token: vscode.CancellationToken,
    onProgress?: (progress: FillProgress) => void,
  ): Promise<Result> {
    const client = await this.started();
    if (onProgress === undefined) return client.sendRequest<Result>(method, params, token);
    const { FILL_PROGRESS } = await import('./languageClient');
    this.progressTokens += 1;
    const progressToken = `parafill-${this.progressTokens}`;
    const listening = client.onProgress(FILL_PROGRESS, progressToken, onProgress);
    try {
      return await client.sendRequest<Result>(method, { ...params, progressToken }, token);
    } finally {
      listening.dispose();
    }
  }

  /** Counts the unexpected ends of the server; a few are bad luck, more are told and left at that. */
  private isToBeStartedAgain(): boolean {
    const now = Date.now();
    this.crashes = [...this.crashes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    if (this.crashes.length <= MAX_CRASHES) {
      this.log.warn(`The language server ended unexpectedly (${this.crashes.length}); starting it again.`);
      return true;
    }
    const reason = vscode.l10n.t(
      'The language server crashed {0} times within three minutes and stays off. See the log, then run "Parafill: Restart Server".',
      this.crashes.length,
    );
    this.log.error(reason);
    this.statusChanged.fire({ kind: 'error', busy: false, reason });
    this.starting = Promise.reject(new Error(reason));
    this.starting.catch(() => undefined);
    return false;
  }
}
