import type { Connection, ServerCapabilities } from 'vscode-languageserver';
import { DisposableStore, toDisposable, type Disposable } from '../base/lifecycle';
import { AUTOMATIC_BUDGET_MS, type Latency } from '../completion/latency';
import { GET_STATUS, STATUS_CHANGED, type StatusKind, type StatusParams } from '../protocol';
import type { Settings } from '../settings';
import type { Feature } from './feature';
import type { HostedModel } from './modelHost';

/** Where the status comes from; read anew whenever one of them says that it changed. */
export interface StatusSources {
  readonly model: () => HostedModel | undefined;
  readonly settings: () => Settings;
  readonly latency: Latency;
  readonly isBusy: () => boolean;
}

/** Tells the client how things stand, whenever that changes and when asked. */
export class Status implements Feature {
  readonly capabilities: ServerCapabilities = {};
  private connection: Connection | undefined;
  private last = '';

  constructor(private readonly sources: StatusSources) {}

  register(connection: Connection): Disposable {
    const store = new DisposableStore();
    store.add(connection.onRequest(GET_STATUS, (): StatusParams => this.current()));
    store.add(
      toDisposable(() => {
        this.connection = undefined;
      }),
    );
    return store;
  }

  /** From now on changes are sent: notifications are allowed only after `initialized`. */
  start(connection: Connection): void {
    this.connection = connection;
    this.refresh();
  }

  /** Sends the status if it is another one than the last that was sent. */
  refresh(): void {
    if (this.connection === undefined) return;
    const status = this.current();
    const content = JSON.stringify(status);
    if (content === this.last) return;
    this.last = content;
    void this.connection.sendNotification(STATUS_CHANGED, status);
  }

  current(): StatusParams {
    const { latency, isBusy } = this.sources;
    const model = this.sources.model();
    const info = model?.state.kind === 'ready' ? model.state.info : undefined;
    const measuredMs = latency.totalMs;
    return {
      ...this.kind(model),
      busy: isBusy(),
      ...(info === undefined || model === undefined
        ? {}
        : {
            model: { name: info.name, version: info.version, path: model.path },
            provider: info.provider,
          }),
      ...(measuredMs === undefined ? {} : { measuredMs: Math.round(measuredMs) }),
      ...(model?.warning === undefined ? {} : { warning: model.warning }),
      ...(model?.pid === undefined ? {} : { inferencePid: model.pid }),
    };
  }

  private kind(model: HostedModel | undefined): { readonly kind: StatusKind; readonly reason?: string } {
    const settings = this.sources.settings();
    const { latency } = this.sources;
    if (!settings.enable) return { kind: 'paused', reason: 'Switched off by the setting parafill.enable.' };
    if (model === undefined) return { kind: 'loading' };
    switch (model.state.kind) {
      case 'loading':
        return { kind: 'loading' };
      case 'restarting':
        return { kind: 'loading', reason: model.state.reason };
      case 'error':
        return { kind: 'error', reason: model.state.reason };
      case 'ready':
        break;
    }
    if (!settings.enableAutomaticCompletions) {
      const reason = 'Automatic completions are switched off; the explicit trigger still works.';
      return { kind: 'paused', reason };
    }
    if (!latency.isSlow) return { kind: 'ready' };
    return {
      kind: 'slow',
      reason: `A completion takes ${Math.round(latency.totalMs ?? 0)} ms on this machine, more than the ${AUTOMATIC_BUDGET_MS} ms that typing leaves.`,
    };
  }
}
