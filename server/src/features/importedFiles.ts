import { readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { LruMap } from '../base/lru';
import { importedModules, type ImportedModule } from '../completion/workspace/imports';
import type { SourceFile } from '../completion/workspace/sourceFile';
import { toLf, wellFormed } from '../completion/text';

/** Whether a file may be read, besides its size. @param path absolute, with all links followed. */
export type MayRead = (root: string, path: string) => Promise<boolean>;

/** Larger files, in bytes, are data or generated. */
const largestFile = 100_000;

const mostModules = 16;

/** So many milliseconds nobody looks whether imported files have changed. */
const trustedForMs = 3_000;

const mostDocuments = 16;
const mostFiles = 200;

interface Known {
  readonly imports: string;
  readonly at: number;
  files: readonly SourceFile[];
}

interface Read {
  readonly size: number;
  readonly changedMs: number;
  readonly file: SourceFile;
}

/**
 * The text of the modules that documents import, read from disk in the background: whoever asks gets what is
 * known by then. Nothing outside of the workspace folder is read, links included.
 */
export class ImportedFiles {
  private readonly documents = new LruMap<string, Known>(mostDocuments);
  private readonly read = new LruMap<string, Read>(mostFiles);

  /** @param now milliseconds of a monotonic clock. */
  constructor(
    private readonly mayRead: MayRead,
    private readonly now: () => number,
  ) {}

  /**
   * @param root the workspace folder, absolute.
   * @param path the document's own, absolute.
   */
  filesFor(root: string, path: string, language: string, text: string): readonly SourceFile[] {
    const modules = importedModules(language, path.split(sep).join('/'), text).slice(0, mostModules);
    const imports = JSON.stringify(modules);
    const known = this.documents.get(path);
    if (known?.imports !== imports || this.now() - known.at >= trustedForMs) {
      const next: Known = { imports, at: this.now(), files: known?.files ?? [] };
      this.documents.set(path, next);
      void this.readAll(root, modules).then((files) => {
        // Meanwhile others may have asked again.
        const current = this.documents.peek(path);
        if (current?.imports === imports) current.files = files;
      });
      return next.files;
    }
    return known.files;
  }

  private async readAll(root: string, modules: readonly ImportedModule[]): Promise<SourceFile[]> {
    const realRoot = await realpath(root).catch(() => undefined);
    if (realRoot === undefined) return [];
    const found = await Promise.all(modules.map((paths) => this.readFirst(realRoot, root, paths)));
    const byPath = new Map(found.flatMap((file) => (file === undefined ? [] : [[file.path, file]])));
    return [...byPath.values()];
  }

  /** The first of the paths that there is. */
  private async readFirst(
    realRoot: string,
    root: string,
    paths: ImportedModule,
  ): Promise<SourceFile | undefined> {
    for (const path of paths) {
      if (!path.startsWith(`${root.split(sep).join('/')}/`)) continue;
      try {
        const real = await realpath(path.split('/').join(sep));
        return await this.readOne(realRoot, real);
      } catch {
        // There is no such file, or it cannot be read; the next one may be what was meant.
      }
    }
    return undefined;
  }

  private async readOne(root: string, path: string): Promise<SourceFile | undefined> {
    if (!path.startsWith(join(root, sep))) return undefined;
    const facts = await stat(path);
    const { size, mtimeMs: changedMs } = facts;
    if (!facts.isFile() || size > largestFile || !(await this.mayRead(root, path))) return undefined;
    const known = this.read.get(path);
    if (known?.size === size && known.changedMs === changedMs) return known.file;
    const text = wellFormed(toLf(await readFile(path, 'utf8')));
    const file = { path: path.split(sep).join('/'), text, imported: true };
    this.read.set(path, { size, changedMs, file });
    return file;
  }
}
