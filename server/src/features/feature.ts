import type { Connection, ServerCapabilities } from 'vscode-languageserver';
import type { Disposable } from '../base/lifecycle';

/** One thing the server can do for an editor. main.ts puts them together and knows nothing else of them. */
export interface Feature {
  /** What the editor is told during `initialize`. */
  readonly capabilities: ServerCapabilities;
  /** Starts to answer; disposing stops. Called once, before the connection listens. */
  register(connection: Connection): Disposable;
}
