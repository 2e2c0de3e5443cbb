import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cleanEnvironment } from './childProcess';

const execute = promisify(execFile);

/** Lists of paths in very large repositories take megabytes. */
const MOST_OUTPUT = 64 * 1024 * 1024;

/**
 * What git prints. Nothing a repository is configured to do on such occasions happens: no hook runs, and no lock
 * is taken that it could do without.
 *
 * @throws with git's own words, also when there is no git or the signal is aborted.
 */
export async function git(folder: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  const running = execute('git', ['-c', 'core.hooksPath=/dev/null', ...args], {
    cwd: folder,
    env: { ...cleanEnvironment(process.env), GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' },
    maxBuffer: MOST_OUTPUT,
    windowsHide: true,
    ...(signal === undefined ? {} : { signal }),
  });
  // An aborted command is given up on before it has ended, and so long it may still write where others clean up.
  const closed = new Promise((resolve) => running.child.once('close', resolve));
  try {
    return (await running).stdout;
  } finally {
    await closed;
  }
}

/** The paths a command prints with `-z`. */
export async function gitPaths(
  folder: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  return (await git(folder, args, signal)).split('\0').filter((path) => path !== '');
}

/** Where a folder is in its repository. */
export interface GitPlace {
  /** The top folder of the repository. */
  readonly top: string;
  /** From there to the folder: empty, or with a slash at its end. */
  readonly prefix: string;
}

/**
 * The repository that tracks a folder; `undefined` when none does, or one without a commit. A home folder under
 * version control does not make everything in it a part of that repository.
 */
export async function gitPlace(folder: string, signal: AbortSignal): Promise<GitPlace | undefined> {
  try {
    await git(folder, ['rev-parse', '--quiet', '--verify', 'HEAD'], signal);
    const tracked = await git(folder, ['ls-tree', '--name-only', 'HEAD', '.'], signal);
    if (tracked === '') return undefined;
    const [top = '', prefix = ''] = (
      await git(folder, ['rev-parse', '--show-toplevel', '--show-prefix'], signal)
    ).split('\n');
    return top === '' ? undefined : { top, prefix };
  } catch {
    return undefined;
  }
}
