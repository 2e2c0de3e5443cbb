import {
  DidChangeConfigurationNotification,
  type ClientCapabilities,
  type Connection,
  type DidChangeConfigurationParams,
  type ServerCapabilities,
} from 'vscode-languageserver';
import { DisposableStore, toDisposable, type Disposable } from '../base/lifecycle';
import { errorMessage } from '../base/async';
import type { Log } from '../log';
import { DEFAULT_SETTINGS, parseSettings, type Settings } from '../settings';
import type { Feature } from './feature';
import { record } from './parameters';

/**
 * The settings in force. They are pulled from editors that let themselves be asked
 * (`workspace/configuration`); others push them with `didChangeConfiguration` or give them once in
 * `initializationOptions`.
 */
export class Configuration implements Feature {
  readonly capabilities: ServerCapabilities = {};
  private settings: Settings = DEFAULT_SETTINGS;
  private canPull = false;
  private canRegister = false;
  private complained = '';
  private readonly listeners = new Set<(settings: Settings) => void>();

  constructor(private readonly log: Log) {}

  get current(): Settings {
    return this.settings;
  }

  onChange(listener: (settings: Settings) => void): Disposable {
    this.listeners.add(listener);
    return toDisposable(() => void this.listeners.delete(listener));
  }

  /** During `initialize`: what the editor can do, and the settings it may have sent along. */
  initialize(capabilities: ClientCapabilities, initializationOptions: unknown): void {
    this.canPull = capabilities.workspace?.configuration === true;
    this.canRegister = capabilities.workspace?.didChangeConfiguration?.dynamicRegistration === true;
    this.apply(record(initializationOptions)['settings']);
  }

  /** After `initialized`: asks for the settings and for news about them. */
  async start(connection: Connection): Promise<void> {
    if (!this.canPull) return;
    await this.pull(connection);
    if (this.canRegister) {
      await connection.client.register(DidChangeConfigurationNotification.type, { section: 'parafill' });
    }
  }

  register(connection: Connection): Disposable {
    const store = new DisposableStore();
    store.add(
      connection.onDidChangeConfiguration((params: DidChangeConfigurationParams) => {
        if (this.canPull) void this.pull(connection);
        else this.apply(record(params.settings)['parafill']);
      }),
    );
    return store;
  }

  private async pull(connection: Connection): Promise<void> {
    try {
      this.apply(await connection.workspace.getConfiguration('parafill'));
    } catch (error) {
      this.log.warn(`The editor did not give its settings (${errorMessage(error)}); keeping the last ones.`);
    }
  }

  private apply(section: unknown): void {
    const { settings, messages } = parseSettings(section);
    const complaint = messages.join('\n');
    if (complaint !== '' && complaint !== this.complained) this.log.warn(complaint);
    this.complained = complaint;
    if (JSON.stringify(settings) === JSON.stringify(this.settings)) return;
    this.settings = settings;
    for (const listener of [...this.listeners]) listener(settings);
  }
}
