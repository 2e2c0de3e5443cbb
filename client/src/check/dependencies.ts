import { lstat, mkdir, readdir, realpath, symlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

/** Folders of installed or compiled dependencies: too large to copy, and installed for this very project. */
const DEPENDENCIES: ReadonlySet<string> = new Set([
  'node_modules',
  'bower_components',
  'vendor',
  '.venv',
  'venv',
  'target',
  'Pods',
]);

export function isDependencyFolder(name: string): boolean {
  return DEPENDENCIES.has(name);
}

/** A tree and where its copy is. Both are real paths. */
export interface Relocation {
  readonly from: string;
  readonly to: string;
}

/** Makes the copy see a dependency folder of the original, unless it has one of its own. */
export async function linkDependency(source: string, target: string, moved: Relocation): Promise<void> {
  if (await exists(target)) return;
  await mkdir(dirname(target), { recursive: true });
  if (source.endsWith(`${sep}node_modules`)) await linkPackages(source, target, moved);
  else await symlink(source, target, 'junction');
}

/** The dependency folders that stand in a folder itself. */
export async function dependenciesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => isDependencyFolder(entry.name)).map((entry) => entry.name);
}

/**
 * Links every package by itself. A package that is itself a link into the project, as workspaces of npm, yarn and
 * pnpm make them, becomes a link into the copy: otherwise a check would test the code that is there already.
 */
async function linkPackages(source: string, target: string, moved: Relocation): Promise<void> {
  await mkdir(target, { recursive: true });
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const { name } = entry;
    // Caches remember paths, and everything else with a dot belongs to the package manager.
    if (entry.isFile() || (name.startsWith('.') && name !== '.bin')) continue;
    const path = join(source, name);
    if (name.startsWith('@')) await linkPackages(path, join(target, name), moved);
    else await symlink(await relocated(path, moved), join(target, name), 'junction');
  }
}

/** The counterpart in the copy of what a link points at, where that is a part of the project itself. */
async function relocated(path: string, { from, to }: Relocation): Promise<string> {
  if (!(await lstat(path)).isSymbolicLink()) return path;
  const real = await realpath(path).catch(() => path);
  const inside = relative(from, real);
  const isOutside = inside === '' || inside.startsWith('..') || inside.split(sep).some(isDependencyFolder);
  return isOutside ? path : join(to, inside);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
