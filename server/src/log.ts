import type { RemoteConsole } from 'vscode-languageserver';

/**
 * Where the server says what it does. Source text of the user never appears above `trace`, because logs
 * get pasted into bug reports.
 */
export interface Log {
  readonly trace: (message: string) => void;
  readonly debug: (message: string) => void;
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
  readonly error: (message: string) => void;
}

/** Writes to the client's log through `window/logMessage`. */
export function connectionLog(console: RemoteConsole): Log {
  return {
    // LSP has no level below debug.
    trace: (message) => {
      console.debug(message);
    },
    debug: (message) => {
      console.debug(message);
    },
    info: (message) => {
      console.info(message);
    },
    warn: (message) => {
      console.warn(message);
    },
    error: (message) => {
      console.error(message);
    },
  };
}
