import { readFile } from 'node:fs/promises';
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

/** Whether git is told to ignore files: by the `.gitignore` of their folder or of one above, up to a root. */
export class GitIgnore {
  private readonly rules = new LruMap<string, { readonly at: number; readonly ignore: Promise<Ignore> }>(
    mostFolders,
  );

  /** @param now milliseconds of a monotonic clock. */
  constructor(private readonly now: () => number) {}

  /** @param path of a file inside of `root`; both absolute. */
  async isIgnored(root: string, path: string): Promise<boolean> {
    const folders: string[] = [];
    for (let folder = dirname(path); folder.startsWith(root); folder = dirname(folder)) {
      folders.unshift(folder);
      if (folder === root) break;
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
