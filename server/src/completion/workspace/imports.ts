import { posix } from 'node:path';

/** A module that a text imports: the paths it may have, likeliest first. */
export type ImportedModule = readonly string[];

/** Imports stand near the beginning of a file. */
const searched = 20_000;

const imports =
  /(?:\bfrom|\brequire\(|\bimport\(?)\s*(['"])(\.[^'"\n]*)\1|^[ \t]*from\s+([.\w]+)\s+import\s+\(?([\w ,]*)|^[ \t]*import\s+([\w.]+)[ \t]*(?:$|,|#|as\b)/gm;

const scripts = ['.ts', '.tsx', '.d.ts', '.js', '.jsx', '.mts', '.mjs', '.cts', '.cjs'];

/** How far up an absolute import of Python is searched for: source folders are not deep. */
const mostAncestors = 4;

/**
 * The modules of the same project that a file of TypeScript, JavaScript or Python imports.
 *
 * @param path the file's own, with slashes.
 */
export function importedModules(language: string, path: string, text: string): ImportedModule[] {
  const modules: ImportedModule[] = [];
  const isPython = language === 'python';
  const isScript = /^(?:type|java)script(?:react)?$/.test(language);
  for (const [, , script, module, names, whole] of text.slice(0, searched).matchAll(imports)) {
    if (isScript && script !== undefined) modules.push(scriptPaths(posix.join(posix.dirname(path), script)));
    if (isPython && module !== undefined) modules.push(...pythonModules(path, module, names ?? ''));
    if (isPython && whole !== undefined) modules.push(pythonPaths(path, whole));
  }
  return modules;
}

/** `./a.js` may be written in a.ts, `./a` may be a/index.ts. */
function scriptPaths(path: string): ImportedModule {
  const bare = path.replace(/\.(?:[cm]?[jt]s|[jt]sx)$/, '');
  return [bare, ...(bare === path ? [`${path}/index`] : [])].flatMap((name) =>
    scripts.map((extension) => name + extension),
  );
}

/** `from a import b`: the module a, and b where that is a module too. */
function pythonModules(path: string, module: string, names: string): ImportedModule[] {
  const submodules = names
    .split(',')
    .map((name) => name.trim().split(/\s/)[0] ?? '')
    .filter((name) => name !== '')
    .map((name) => pythonPaths(path, module.endsWith('.') ? module + name : `${module}.${name}`));
  return [pythonPaths(path, module), ...submodules];
}

function pythonPaths(path: string, module: string): ImportedModule {
  const dots = /^\.*/.exec(module)?.[0].length ?? 0;
  const parts = module.slice(dots).replaceAll('.', '/');
  let folder = posix.dirname(path);
  for (let level = 1; level < dots; level++) folder = posix.dirname(folder);
  const folders = [folder];
  // Which folder an absolute import starts from is not written in the file.
  while (dots === 0 && folders.length <= mostAncestors) folders.push(posix.dirname(folders.at(-1) ?? ''));
  return [...new Set(folders)]
    .map((from) => posix.join(from, parts))
    .flatMap((base) => [`${base}.py`, `${base}/__init__.py`, `${base}.pyi`]);
}
