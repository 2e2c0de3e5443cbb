import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import {
  createProtocolConnection,
  InlineCompletionTriggerKind,
  IPCMessageReader,
  IPCMessageWriter,
  StreamMessageReader,
  StreamMessageWriter,
  type CancellationToken,
  type ClientCapabilities,
  type InitializeResult,
  type InlineCompletionContext,
  type InlineCompletionItem,
  type Position,
  type ProtocolConnection,
} from 'vscode-languageserver/node';
import { TextDocument, type TextEdit } from 'vscode-languageserver-textdocument';
import {
  FILL_HOLES,
  GET_STATUS,
  LAST_OUTCOME,
  REGENERATE,
  STATUS_CHANGED,
  type FillHolesParams,
  type FillHolesResult,
  type LastOutcomeResult,
  type OutcomeExplanation,
  type RegenerateParams,
  type RegenerateResult,
  type StatusParams,
} from '../../server/src/protocol';

const SERVER = join(process.cwd(), 'dist/server.js');

export interface StartOptions {
  readonly transport?: 'stdio' | 'node-ipc';
  /** Further arguments, such as `--model`. */
  readonly args?: readonly string[];
  /** The `parafill` section as the editor has it. */
  readonly settings?: unknown;
  /** Whether the editor lets itself be asked for its settings. */
  readonly pullsConfiguration?: boolean;
  /** The URI of the workspace folder. */
  readonly folder?: string;
  /** Whether the person trusts it; absent: the editor knows nothing of trust. */
  readonly trusted?: boolean;
}

/**
 * A running server as an editor sees it: one message connection and the documents that are open. The tests
 * and the typing benchmark speak to the server through it.
 */
export class LanguageServer {
  readonly statuses: StatusParams[] = [];
  readonly logs: string[] = [];
  initialized: InitializeResult = { capabilities: {} };
  private readonly documents = new Map<string, TextDocument>();
  private readonly changed = new Set<() => void>();
  private opened = 0;
  private pulls = 0;

  private constructor(
    readonly process: ChildProcess,
    readonly connection: ProtocolConnection,
    private settings: unknown,
    private readonly pullsConfiguration: boolean,
  ) {}

  /** Starts the built server and goes through the handshake. */
  static async start(options: StartOptions = {}): Promise<LanguageServer> {
    const { transport = 'stdio', args = [], settings = {}, pullsConfiguration = true } = options;
    const { folder, trusted } = options;
    const child = spawn(process.execPath, [SERVER, `--${transport}`, ...args], {
      stdio: transport === 'stdio' ? ['pipe', 'pipe', 'inherit'] : ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const connection =
      child.stdin === null || child.stdout === null
        ? createProtocolConnection(new IPCMessageReader(child), new IPCMessageWriter(child))
        : createProtocolConnection(
            new StreamMessageReader(child.stdout),
            new StreamMessageWriter(child.stdin),
          );
    const server = new LanguageServer(child, connection, settings, pullsConfiguration);
    server.listen();
    const capabilities: ClientCapabilities = {
      textDocument: { inlineCompletion: {} },
      workspace: pullsConfiguration
        ? { configuration: true, didChangeConfiguration: { dynamicRegistration: true } }
        : {},
    };
    server.initialized = await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: null,
      workspaceFolders: folder === undefined ? null : [{ uri: folder, name: 'folder' }],
      capabilities,
      initializationOptions: {
        statusNotifications: true,
        ...(pullsConfiguration ? {} : { settings }),
        ...(trusted === undefined ? {} : { trusted }),
      },
    });
    await connection.sendNotification('initialized', {});
    return server;
  }

  /** The latest status that was sent. */
  get status(): StatusParams | undefined {
    return this.statuses.at(-1);
  }

  /** Resolves as soon as the condition holds; looked at whenever the server has said something. */
  async until<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      await new Promise<void>((resolve) => {
        const once = (): void => {
          this.changed.delete(once);
          resolve();
        };
        this.changed.add(once);
      });
    }
  }

  async ready(): Promise<StatusParams> {
    const status = await this.until(() => this.status?.kind !== 'loading' && this.status);
    assert.notEqual(status.kind, 'error', status.reason);
    return status;
  }

  /** Opens a document and returns its URI. */
  async open(
    text: string,
    languageId = 'typescript',
    uri = `file:///workspace/document${this.opened++}`,
  ): Promise<string> {
    const document = TextDocument.create(uri, languageId, 1, text);
    this.documents.set(uri, document);
    await this.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId, version: document.version, text },
    });
    return uri;
  }

  async close(uri: string): Promise<void> {
    this.documents.delete(uri);
    await this.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  }

  /** Inserts text at an offset, as typing does. */
  async type(uri: string, offset: number, text: string): Promise<void> {
    await this.replace(uri, offset, offset, text);
  }

  /** Replaces what stands between two offsets. */
  async replace(uri: string, start: number, end: number, text: string): Promise<void> {
    const document = this.document(uri);
    const change = { range: { start: document.positionAt(start), end: document.positionAt(end) }, text };
    this.documents.set(uri, TextDocument.update(document, [change], document.version + 1));
    await this.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: document.version },
      contentChanges: [change],
    });
  }

  document(uri: string): TextDocument {
    const document = this.documents.get(uri);
    assert.ok(document, `${uri} is open`);
    return document;
  }

  /** The document with the edits in it, not changing it. */
  withEdits(uri: string, edits: readonly TextEdit[]): string {
    return TextDocument.applyEdits(this.document(uri), [...edits]);
  }

  /** Changes the settings; whatever is sent afterwards meets a server that knows them. */
  async configure(settings: unknown): Promise<void> {
    this.settings = settings;
    const { pulls } = this;
    await this.connection.sendNotification('workspace/didChangeConfiguration', {
      settings: { parafill: settings },
    });
    if (this.pullsConfiguration) await this.until(() => this.pulls > pulls);
  }

  async inlineCompletion(
    uri: string,
    at: number | Position,
    context: Partial<InlineCompletionContext> = {},
    token?: CancellationToken,
  ): Promise<readonly InlineCompletionItem[]> {
    const position = typeof at === 'number' ? this.document(uri).positionAt(at) : at;
    const params = {
      textDocument: { uri },
      position,
      context: { triggerKind: InlineCompletionTriggerKind.Invoked, ...context },
    };
    const items = await this.request<InlineCompletionItem[] | null>(
      'textDocument/inlineCompletion',
      params,
      token,
    );
    return items ?? [];
  }

  fillHoles(
    uri: string,
    params: Partial<FillHolesParams> = {},
    token?: CancellationToken,
  ): Promise<FillHolesResult> {
    return this.request(FILL_HOLES, { textDocument: this.versioned(uri), ...params }, token);
  }

  /** Regenerates the text between two offsets. */
  regenerate(
    uri: string,
    start: number,
    end: number,
    params: Partial<RegenerateParams> = {},
    token?: CancellationToken,
  ): Promise<RegenerateResult> {
    const document = this.document(uri);
    const range = { start: document.positionAt(start), end: document.positionAt(end) };
    return this.request(REGENERATE, { textDocument: this.versioned(uri), range, ...params }, token);
  }

  getStatus(): Promise<StatusParams> {
    return this.request(GET_STATUS);
  }

  async lastOutcome(): Promise<OutcomeExplanation> {
    const outcome = await this.request<LastOutcomeResult>(LAST_OUTCOME);
    assert.ok(outcome, 'there was a request');
    return outcome;
  }

  /** Any request, also one that no honest editor would send. */
  request<T>(method: string, params?: unknown, token?: CancellationToken): Promise<T> {
    return token === undefined
      ? this.connection.sendRequest<T>(method, params ?? {})
      : this.connection.sendRequest<T>(method, params ?? {}, token);
  }

  /** The exit code after a proper goodbye. */
  async stop(): Promise<number | null> {
    const exited = this.exited();
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    const code = await exited;
    this.connection.dispose();
    return code;
  }

  exited(): Promise<number | null> {
    const { process: child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
    return new Promise((resolve) => child.once('exit', resolve));
  }

  private versioned(uri: string): { readonly uri: string; readonly version: number } {
    return { uri, version: this.document(uri).version };
  }

  private listen(): void {
    const { connection } = this;
    const notify = (): void => {
      for (const listener of [...this.changed]) listener();
    };
    connection.onNotification(STATUS_CHANGED, (status: StatusParams) => {
      this.statuses.push(status);
      notify();
    });
    connection.onNotification('window/logMessage', ({ message }: { readonly message: string }) => {
      this.logs.push(message);
      notify();
    });
    connection.onRequest('workspace/configuration', () => {
      this.pulls += 1;
      // Only once the answer is on its way.
      setImmediate(notify);
      return [this.settings];
    });
    connection.onRequest('client/registerCapability', () => null);
    connection.listen();
  }
}
