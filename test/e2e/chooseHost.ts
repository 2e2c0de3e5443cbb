import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { downloadAndUnzipVSCode } from '@vscode/test-electron';

/** The VS Code that runs the tests: what to execute, and in words why it was chosen. */
export interface Host {
  readonly kind: 'desktop' | 'browser';
  readonly executable: string;
  readonly reason: string;
}

/** How long the download server may take to say that it is there. */
const REACHABLE_WITHIN_MS = 5_000;
const DOWNLOADS = 'https://update.code.visualstudio.com/api/releases/stable';

/**
 * Desktop VS Code where it can run: the one that `VSCODE_EXECUTABLE_PATH` names, else a downloaded one. Without
 * a display or a network the same VS Code runs in Chromium. `PARAFILL_E2E_HOST=desktop` or `browser` decides
 * instead. The choice takes seconds at most: a machine without network must not wait for time-outs.
 */
export async function chooseHost(root: string, environment = process.env): Promise<Host> {
  const wanted = environment['PARAFILL_E2E_HOST'] ?? '';
  if (!['', 'desktop', 'browser'].includes(wanted))
    throw new Error(`PARAFILL_E2E_HOST is "${wanted}"; expected "desktop" or "browser".`);
  const browser = (reason: string): Host => ({
    kind: 'browser',
    executable: join(root, 'test/e2e/host/code.mjs'),
    reason,
  });
  if (wanted === 'browser') return browser('PARAFILL_E2E_HOST asks for it');

  const named = environment['VSCODE_EXECUTABLE_PATH'] ?? '';
  if (named !== '') {
    if (!existsSync(named)) throw new Error(`VSCODE_EXECUTABLE_PATH is ${named}, and there is no such file.`);
    return { kind: 'desktop', executable: named, reason: 'VSCODE_EXECUTABLE_PATH names it' };
  }
  if (wanted === '') {
    if (!hasDisplay(environment)) return browser('there is no display for the desktop build');
    if (!(await isReachable(DOWNLOADS))) return browser('the desktop build cannot be downloaded here');
  }
  try {
    const executable = await downloadAndUnzipVSCode({ cachePath: join(root, '.vscode-test') });
    return { kind: 'desktop', executable, reason: 'downloaded' };
  } catch (error) {
    if (wanted === 'desktop') throw error;
    return browser(`the download failed (${error instanceof Error ? error.message : String(error)})`);
  }
}

function hasDisplay(environment: NodeJS.ProcessEnv): boolean {
  if (process.platform !== 'linux') return true;
  return [environment['DISPLAY'], environment['WAYLAND_DISPLAY']].some(
    (name) => name !== undefined && name !== '',
  );
}

async function isReachable(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(REACHABLE_WITHIN_MS) });
    return response.ok;
  } catch {
    return false;
  }
}
