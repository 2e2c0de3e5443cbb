import { constants } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { dependenciesIn, isDependencyFolder, linkDependency, type Relocation } from './dependencies';
import { git, gitPaths, gitPlace, type GitPlace } from './git';

/** A copy of a workspace folder, in which anything may happen without the person's files changing. */
export interface ScratchCopy {
  /** The counterpart of the workspace folder. */
  readonly folder: string;
  readonly kind: 'worktree' | 'copy';
  /** What a command in the copy needs to find the copy's own code. */
  readonly environment: Readonly<Record<string, string>>;
  /** Writes a file of the copy. @param path relative to the workspace folder */
  write(path: string, content: Uint8Array): Promise<void>;
  /** Removes the copy. @throws when something in it may not be removed */
  dispose(): Promise<void>;
}

/** What an editor shows and the disk does not have yet. */
export interface UnsavedFile {
  /** Relative to the workspace folder. */
  readonly path: string;
  readonly content: Uint8Array;
}

const NAME = 'parafill-check-';
const OWNER = 'owner.json';

/** Names of folders that are made from the rest, or remember where it is. */
const SKIPPED: ReadonlySet<string> = new Set(
  `.git .hg .svn .cache .gradle .idea .mypy_cache .next .nox .nuxt .parcel-cache .pytest_cache .ruff_cache .svelte-kit
   .tox .turbo .vs __pycache__ build coverage dist obj out`.split(/\s+/),
);

/** Larger files (in bytes) are data, not code. */
const LARGEST_FILE = 16 * 1024 * 1024;

/** Ignored files up to this size (in bytes) come along: a check may need a `.env`, but no log. */
const LARGEST_IGNORED_FILE = 256 * 1024;

/** More files than this are not copied one by one. */
const MOST_FILES = 20_000;

interface Owner {
  readonly host: string;
  readonly pid: number;
  /** The repository the worktree belongs to. */
  readonly repository?: string;
}

/**
 * Makes a scratch copy of a folder as the person sees it: what is committed, what is not, and what is not even
 * saved. In a git repository it is a detached worktree, elsewhere a copy of the files; dependencies are linked.
 * `undefined` when the signal is aborted; then nothing is left behind.
 *
 * @throws when there is too much to copy, or the disk or git refuses.
 */
export async function createScratchCopy(
  folder: string,
  unsaved: readonly UnsavedFile[],
  signal: AbortSignal,
  parent = tmpdir(),
): Promise<ScratchCopy | undefined> {
  const place = await gitPlace(folder, signal);
  const home = await realpath(await mkdtemp(join(parent, NAME)));
  const owner: Owner = {
    host: hostname(),
    pid: process.pid,
    ...(place === undefined ? {} : { repository: place.top }),
  };
  const root = join(home, 'work');
  const counterpart = resolve(root, place?.prefix ?? '');
  const remove = (): Promise<void> => removeCopy(home, owner);
  try {
    await writeFile(join(home, OWNER), JSON.stringify(owner));
    if (place === undefined) await copyFolder(folder, root, signal);
    else await addWorktree(place, folder, root, signal);
    const copy: ScratchCopy = {
      folder: counterpart,
      kind: place === undefined ? 'copy' : 'worktree',
      environment: await pythonPath(counterpart),
      write: (path, content) => writeInside(root, join(counterpart, path), content),
      dispose: remove,
    };
    for (const { path, content } of unsaved) await copy.write(path, content);
    if (!signal.aborted) return copy;
  } catch (error) {
    if (!signal.aborted) {
      await remove().catch(() => undefined);
      throw error;
    }
  }
  await remove();
  return undefined;
}

/**
 * Removes what programs that ended without cleaning up have left behind.
 *
 * @param onFailure hears why something stays where it is
 */
export async function removeStaleCopies(
  onFailure: (reason: string) => void,
  parent = tmpdir(),
): Promise<void> {
  const names = await readdir(parent);
  for (const name of names.filter((entry) => entry.startsWith(NAME))) {
    const home = join(parent, name);
    const owner = await readOwner(home);
    if (owner?.host !== hostname() || isAlive(owner.pid)) continue;
    await removeCopy(home, owner).catch((error: unknown) => {
      onFailure(String(error));
    });
  }
}

async function readOwner(home: string): Promise<Owner | undefined> {
  try {
    const { host, pid, repository } = JSON.parse(await readFile(join(home, OWNER), 'utf8')) as Partial<Owner>;
    if (typeof host !== 'string' || typeof pid !== 'number') return undefined;
    return { host, pid, ...(typeof repository === 'string' ? { repository } : {}) };
  } catch {
    // One that is only just being made has no owner yet.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Links are unlinked and never followed, so that the dependencies they point at stay. */
async function removeCopy(home: string, { repository }: Owner): Promise<void> {
  await removeFolder(join(home, 'work'));
  if (repository !== undefined) {
    // git would refuse to forget a worktree only if it had never heard of it.
    await git(repository, ['worktree', 'remove', '--force', join(home, 'work')]).catch(() => undefined);
  }
  await rm(home, { recursive: true, force: true, maxRetries: 10 });
}

async function removeFolder(folder: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 10 } as const;
  try {
    await rm(folder, options);
  } catch {
    // A check may have made folders that nobody may change.
    await makeWritable(folder);
    await rm(folder, options);
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
}

async function addWorktree(
  { top, prefix }: GitPlace,
  folder: string,
  root: string,
  signal: AbortSignal,
): Promise<void> {
  await git(top, ['worktree', 'add', '--quiet', '--detach', root, 'HEAD'], signal);
  const changed = ['diff', '--name-only', '-z', '--no-renames', '--ignore-submodules', 'HEAD'];
  for (const path of await gitPaths(top, [...changed, '--diff-filter=D'], signal))
    await rm(join(root, path), { force: true });
  for (const path of await gitPaths(top, [...changed, '--diff-filter=d'], signal))
    await copyEntry(join(top, path), join(root, path), LARGEST_FILE);

  const moved: Relocation = { from: await realpath(top), to: root };
  const inCopy = join(root, prefix);
  const others = ['ls-files', '-z', '--others', '--exclude-standard'];
  await copyListed(folder, inCopy, await gitPaths(folder, others, signal), LARGEST_FILE, moved);
  const ignored = await gitPaths(folder, [...others, '--ignored', '--directory'], signal);
  await copyListed(folder, inCopy, ignored, LARGEST_IGNORED_FILE, moved);
  // A package of a monorepo uses what is installed above it.
  for (let above = prefix; above !== '';) {
    above = above.replace(/[^/]*\/$/, '');
    for (const name of await dependenciesIn(join(top, above)))
      await linkDependency(join(top, above, name), join(root, above, name), moved);
  }
}

/** @param paths as git lists them: folders end with a slash. */
async function copyListed(
  from: string,
  to: string,
  paths: readonly string[],
  largest: number,
  moved: Relocation,
): Promise<void> {
  if (paths.length > MOST_FILES) throw tooMany(from);
  for (const path of paths) {
    const name = path.replace(/\/$/, '');
    if (isDependencyFolder(name.split('/').at(-1) ?? ''))
      await linkDependency(join(from, name), join(to, name), moved);
    else if (name === path) await copyEntry(join(from, path), join(to, path), largest);
  }
}

async function copyFolder(from: string, to: string, signal: AbortSignal): Promise<void> {
  const moved: Relocation = { from: await realpath(from), to };
  let files = 0;
  const pending = [''];
  for (let inside = pending.pop(); inside !== undefined; inside = pending.pop()) {
    signal.throwIfAborted();
    await mkdir(join(to, inside), { recursive: true });
    for (const entry of await readdir(join(from, inside), { withFileTypes: true })) {
      const path = join(inside, entry.name);
      if (isDependencyFolder(entry.name)) await linkDependency(join(from, path), join(to, path), moved);
      else if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) pending.push(path);
      } else {
        files += 1;
        if (files > MOST_FILES) throw tooMany(from);
        await copyEntry(join(from, path), join(to, path), LARGEST_FILE);
      }
    }
  }
}

function tooMany(folder: string): Error {
  return new Error(
    `${folder} has more than ${MOST_FILES} files that are not under version control, too many for a scratch copy. ` +
      'Open the folder of one project, or put it under git.',
  );
}

/** Copies a file or a relative link; whatever is larger, special or gone by now is left out. */
async function copyEntry(from: string, to: string, largest: number): Promise<void> {
  const found = await lstat(from).catch(() => undefined);
  if (found === undefined) return;
  await mkdir(dirname(to), { recursive: true });
  if (found.isSymbolicLink()) {
    const points = await readlink(from);
    await rm(to, { force: true });
    if (!isAbsolute(points)) await symlink(points, to);
  } else if (found.isFile() && found.size <= largest) {
    // A link here would lead out of the copy.
    await rm(to, { force: true });
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}

/** Writes a file that is in the copy indeed, and not behind a link that leads out of it. */
async function writeInside(root: string, path: string, content: Uint8Array): Promise<void> {
  let existing = dirname(path);
  while (!(await isThere(existing))) existing = dirname(existing);
  for (const place of [path, await realpath(existing)]) {
    const inside = relative(root, place);
    if (inside.startsWith('..') || isAbsolute(inside)) {
      throw new Error(`${path} is not a file of the project itself, so it cannot be checked in a copy.`);
    }
  }
  await mkdir(dirname(path), { recursive: true });
  // A link is replaced: what it points at may be outside.
  await rm(path, { force: true });
  await writeFile(path, content);
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** A linked virtual environment may know the original as an installed package; the copy has to go before it. */
async function pythonPath(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await dependenciesIn(folder);
  if (!names.some((name) => name.endsWith('venv'))) return {};
  const before = process.env['PYTHONPATH'];
  const paths = [join(folder, 'src'), folder, ...(before === undefined ? [] : [before])];
  return { PYTHONPATH: paths.join(process.platform === 'win32' ? ';' : ':') };
}
