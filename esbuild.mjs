// Builds the product into dist/ and, with --tests, the tests into out/test/.
// Outputs that did not change are left alone and the others are replaced by a rename, so that several
// processes may build and run at the same time without ever reading half a file.
import * as esbuild from 'esbuild';
import { globSync } from './scripts/files.mjs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';

const root = import.meta.dirname;
const has = (/** @type {string} */ flag) => process.argv.includes(flag);
const tests = has('--tests');
const watch = has('--watch');
const quiet = has('--quiet');

/** Output name → entry point: what runs in the editor's own process. */
const client = {
  extension: 'client/src/extension.ts',
  languageClient: 'client/src/languageClient.ts',
};

/** The other bundles that make up the product, and what measures it. */
const programs = {
  server: 'server/src/main.ts',
  worker: 'server/src/inference/worker.ts',
  cli: 'server/src/cli.ts',
  bench: 'bench/bench.ts',
  benchTyping: 'bench/typing.ts',
};

/** The grammars the server parses candidates with; the wasm runtime itself is tree-sitter.wasm. */
const grammars = [
  'tree-sitter',
  'tree-sitter-typescript',
  'tree-sitter-tsx',
  'tree-sitter-javascript',
  'tree-sitter-python',
  'tree-sitter-css',
];

/** Replaces the file only when its content changes. Returns whether it did. */
async function writeIfChanged(/** @type {string} */ path, /** @type {Uint8Array} */ contents) {
  const old = await readFile(path).catch(() => undefined);
  if (old !== undefined && old.equals(contents)) return false;
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
  await writeFile(temporary, contents);
  await rename(temporary, path);
  return true;
}

/** @type {esbuild.Plugin} */
const writeOutputs = {
  name: 'write-outputs',
  setup(build) {
    build.onEnd(async (result) => {
      let written = 0;
      for (const file of result.outputFiles ?? [])
        written += Number(await writeIfChanged(file.path, file.contents));
      if (watch && !quiet)
        console.error(`[esbuild] ${result.errors.length} errors, ${written} files written`);
    });
  },
};

/**
 * The library for language clients is ten times the rest of the extension, and no part of its activation.
 * @type {esbuild.Plugin}
 */
const loadedLate = {
  name: 'loaded-late',
  setup(build) {
    build.onResolve({ filter: /^\.\/languageClient$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './languageClient.js', external: true } : undefined,
    );
  },
};

/**
 * The editor's interface is asked for once and used as it is. Each question takes the editor a look at the disk, and
 * a copy of all names, as it is made of other modules, takes longer than the rest of loading.
 * @type {esbuild.Plugin}
 */
const editorInterface = {
  name: 'editor-interface',
  setup(build) {
    build.initialOptions.banner = { js: '"use strict";\nconst editorInterface = require("vscode");' };
    build.onEnd(({ outputFiles = [] }) => {
      for (const file of outputFiles.filter(({ path }) => path.endsWith('.js')))
        file.contents = Buffer.from(file.text.replaceAll('__toESM(require("vscode"))', 'editorInterface'));
    });
  },
};

function testEntries() {
  const entries = [
    ...globSync(root, 'test', (path) => path.endsWith('.test.ts')),
    ...globSync(root, 'test/e2e', (path) => path.endsWith('.ts') && !path.endsWith('.d.ts')),
  ];
  return Object.fromEntries(entries.map((path) => [relative(root, path).replace(/\.ts$/, ''), path]));
}

/** What a test that is no more was built into would go on being run. */
async function removeStaleTests() {
  const built = new Set(Object.keys(testEntries()).map((name) => join(root, 'out', `${name}.js`)));
  const stale = globSync(root, 'out/test', (path) => path.endsWith('.js') && !built.has(path));
  await Promise.all(stale.map((path) => rm(path, { force: true })));
}

async function copyGrammars() {
  for (const name of grammars) {
    const source = join(root, 'node_modules/@vscode/tree-sitter-wasm/wasm', `${name}.wasm`);
    await writeIfChanged(join(root, 'dist/grammars', `${name}.wasm`), await readFile(source));
  }
}

/** @type {esbuild.BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  write: false,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: quiet ? 'error' : 'warning',
  plugins: [writeOutputs],
};

/** What `vscode` is, only the editor knows; the native runtime is found where it is installed. */
const external = ['vscode', 'onnxruntime-node'];

/** @type {esbuild.BuildOptions[]} */
const builds = tests
  ? [
      {
        ...common,
        entryPoints: testEntries(),
        outdir: 'out',
        external: [...external, 'mocha', 'fast-check', 'esbuild', '@vscode/test-electron', 'playwright-core'],
      },
    ]
  : [
      {
        ...common,
        entryPoints: client,
        outdir: 'dist',
        external,
        plugins: [loadedLate, editorInterface, writeOutputs],
        // The editor gives `vscode` to what is required, not to what is imported.
        supported: { 'dynamic-import': false },
      },
      { ...common, entryPoints: programs, outdir: 'dist', external },
    ];

await (tests ? removeStaleTests() : copyGrammars());
if (watch) for (const build of builds) await (await esbuild.context(build)).watch();
else await Promise.all(builds.map((build) => esbuild.build(build)));
