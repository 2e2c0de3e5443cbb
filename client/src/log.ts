import * as vscode from 'vscode';

/** How many lines are kept for "Show Log" in a bug report and for tests. */
const KEPT_LINES = 500;

/**
 * The output channel, which also remembers its last lines: a host without the native logger writes none to
 * disk, and a channel cannot be read back. Source text belongs to `trace` and nowhere else.
 */
export class Log implements vscode.LogOutputChannel {
  private readonly channel = vscode.window.createOutputChannel('Parafill', { log: true });
  private readonly kept: string[] = [];

  /** The last lines, oldest first, each with its level. */
  get lines(): readonly string[] {
    return this.kept;
  }

  get name(): string {
    return this.channel.name;
  }

  get logLevel(): vscode.LogLevel {
    return this.channel.logLevel;
  }

  get onDidChangeLogLevel(): vscode.Event<vscode.LogLevel> {
    return this.channel.onDidChangeLogLevel;
  }

  trace(message: string, ...args: unknown[]): void {
    this.keep(vscode.LogLevel.Trace, 'trace', message);
    this.channel.trace(message, ...args);
  }

  debug(message: string, ...args: unknown[]): void {
    this.keep(vscode.LogLevel.Debug, 'debug', message);
    this.channel.debug(message, ...args);
  }

  info(message: string, ...args: unknown[]): void {
    this.keep(vscode.LogLevel.Info, 'info', message);
    this.channel.info(message, ...args);
  }

  warn(message: string, ...args: unknown[]): void {
    this.keep(vscode.LogLevel.Warning, 'warn', message);
    this.channel.warn(message, ...args);
  }

  error(error: string | Error, ...args: unknown[]): void {
    this.keep(vscode.LogLevel.Error, 'error', error instanceof Error ? error.message : error);
    this.channel.error(error, ...args);
  }

  append(value: string): void {
    this.keep(vscode.LogLevel.Info, 'info', value);
    this.channel.append(value);
  }

  appendLine(value: string): void {
    this.keep(vscode.LogLevel.Info, 'info', value);
    this.channel.appendLine(value);
  }

  replace(value: string): void {
    this.clear();
    this.append(value);
  }

  clear(): void {
    this.kept.length = 0;
    this.channel.clear();
  }

  /** The overload with a column is deprecated; both show the same panel. */
  show(columnOrPreserveFocus?: vscode.ViewColumn | boolean, preserveFocus?: boolean): void {
    this.channel.show(typeof columnOrPreserveFocus === 'boolean' ? columnOrPreserveFocus : preserveFocus);
  }

  hide(): void {
    this.channel.hide();
  }

  dispose(): void {
    this.channel.dispose();
  }

  private keep(level: vscode.LogLevel, name: string, message: string): void {
    // `Off` is 0 and below every level, so it has to be asked for by name.
    if (this.logLevel === vscode.LogLevel.Off || level < this.logLevel) return;
    this.kept.push(`[${name}] ${message}`);
    if (this.kept.length > KEPT_LINES) this.kept.shift();
  }
}
