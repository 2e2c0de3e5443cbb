import { access, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { LruMap } from '../base/lru';

/** So long, in milliseconds, a folder's `.gitignore` is taken for what it was. */
const trustedForMs = 10_000;

const mostFolders = 200;

/** Rules beyond so many UTF-16 units of a file are not read. */
const mostUnits = 256 * 1024;

/** With more wildcards than this in a name, comparing takes forever: nobody writes that for a good reason. */
const mostWildcards = 4;

/** Whether git is told to ignore files: by the `.gitignore` of their folder or of one above, up to their repository. */
export class GitIgnore {
  private readonly repositories = new LruMap<string, Promise<string>>(mostFolders);
  private readonly rules = new LruMap<string, { readonly at: number; readonly ignore: Promise<Ignore> }>(
    mostFolders,
  );

  /** @param now milliseconds of a monotonic clock. */
  constructor(private readonly now: () => number) {}

  /** @param path of a file inside of `root`, which may be a part of a repository; both absolute. */
  async isIgnored(root: string, path: string): Promise<boolean> {
    const repository = await this.repositoryOf(root);
    const folders: string[] = [];
    for (let folder = dirname(path); folder.startsWith(repository); folder = dirname(folder)) {
      folders.unshift(folder);
      if (folder === repository) break;
    }
    let ignored = false;
    // The nearest file that says something about a path wins.
    for (const folder of folders) {
      const rules = await this.rulesOf(folder);
      const inside = relative(folder, path).split(sep).join('/');
      // Such as `.../file`, of which the library does not believe that it is inside.
      if (!ignore.isPathValid(inside)) return true;
      const verdict = rules.test(inside);
      if (verdict.ignored) ignored = true;
      if (verdict.unignored) ignored = false;
    }
    return ignored;
  }

  /** The nearest folder, from this one upwards, that is a repository; where there is none, this one itself. */
  private repositoryOf(root: string): Promise<string> {
    const found = this.repositories.get(root) ?? findRepository(root);
    this.repositories.set(root, found);
    return found;
  }

  private rulesOf(folder: string): Promise<Ignore> {
    const known = this.rules.get(folder);
    if (known !== undefined && this.now() - known.at < trustedForMs) return known.ignore;
    const read = readFile(join(folder, '.gitignore'), 'utf8').then(
      rulesIn,
      // Most folders have none.
      () => ignore(),
    );
    this.rules.set(folder, { at: this.now(), ignore: read });
    return read;
  }
}

async function findRepository(root: string): Promise<string> {
  for (let folder = root; folder !== dirname(folder); folder = dirname(folder)) {
    // A folder, or a file in submodules and further working trees.
    const isRepository = await access(join(folder, '.git')).then(
      () => true,
      () => false,
    );
    if (isRepository) return folder;
  }
  return root;
}

/** The rules of a `.gitignore`, but for those that are none: a bracket that is not closed, say. */
function rulesIn(text: string): Ignore {
  const rules = ignore();
  for (const line of text.slice(0, mostUnits).split(/\r?\n/)) {
    if (line.split('/').some((name) => (name.match(/\*+/g) ?? []).length > mostWildcards)) continue;
    try {
      rules.add(line);
    } catch {
      // The library makes a regular expression of it, which may be a wrong one.
    }
  }
  return rules;
}
