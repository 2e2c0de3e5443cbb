// Makes an installable VSIX for this platform, for another one or for all of them, looks at what is in it and prints
// its size; with --verify it is then installed into a clean VS Code and the end-to-end tests run against it.
//   npm run package [-- --target linux-arm64 | all] [-- --verify]
// The files are put together in a folder of their own: the native runtime comes for six platforms, and only one
// of them belongs in here.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createVSIX, listFiles } from '@vscode/vsce';
import * as esbuild from 'esbuild';
import { globSync } from './files.mjs';
import { thirdPartyNotices } from './notices.mjs';

const root = dirname(import.meta.dirname);
const here = `${process.platform}-${process.arch}`;
/** What VS Code calls the platforms that onnxruntime-node has binaries for. */
const targets = ['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-arm64'];
/** More than this nobody wants to download for a completion. */
const largest = 120_000_000;
/** Without these nothing works; each is looked for in the finished package. */
const required = [
  'package.json',
  'README.md',
  'LICENSE',
  'THIRD-PARTY-NOTICES.txt',
  'dist/extension.js',
  'dist/languageClient.js',
  'dist/server.js',
  'dist/worker.js',
  'dist/grammars/tree-sitter.wasm',
  'models/parafill-small/manifest.json',
  'models/parafill-small/model.onnx',
  'models/parafill-small/model.f16.onnx',
  'models/parafill-small/model.f32.onnx',
  'models/parafill-small/cache.onnx',
  'models/parafill-small/ngrams.safetensors',
  'models/parafill-small/tokenizer.json',
];
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

for (const target of chosenTargets()) {
  const staging = mkdtempSync(join(tmpdir(), 'parafill-package-'));
  try {
    stageProduct(staging);
    stageRuntime(staging, target);
    writeManifest(staging);
    await minify(staging);
    await createVSIX({
      cwd: staging,
      packagePath: packagePath(target),
      target,
      useYarn: false,
      allowMissingRepository: true,
      // There is no public address yet that relative links could be turned into.
      rewriteRelativeLinks: false,
    });
    await check(staging, target);
    report(target);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
if (process.argv.includes('--verify')) verify();

/** The platforms that `--target` names, or this one. */
function chosenTargets() {
  const at = process.argv.indexOf('--target');
  const chosen = at < 0 ? here : (process.argv[at + 1] ?? '');
  if (chosen === 'all') return targets;
  if (targets.includes(chosen)) return [chosen];
  console.error(`Expected one of these targets: ${targets.join(', ')}, all; got "${chosen}".`);
  process.exit(2);
}

function packagePath(/** @type {string} */ target) {
  return join(root, `${manifest.name}-${target}-${manifest.version}.vsix`);
}

/** What this repository itself contributes; .vscodeignore narrows it down to what is shipped. */
function stageProduct(/** @type {string} */ staging) {
  const model = join(root, 'models/parafill-small/model.onnx');
  if (!existsSync(model)) throw new Error(`${model} is missing: there is no model to package.`);
  const parts = [
    'bin',
    'dist',
    'media',
    'syntaxes',
    'l10n',
    'models/parafill-small',
    'package.nls.json',
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    '.vscodeignore',
  ];
  for (const part of parts)
    if (existsSync(join(root, part))) cpSync(join(root, part), join(staging, part), { recursive: true });
  writeFileSync(join(staging, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(root));
}

/** onnxruntime-node with the binaries of this platform, and the plain JavaScript it stands on. */
function stageRuntime(/** @type {string} */ staging, /** @type {string} */ target) {
  const source = join(root, 'node_modules/onnxruntime-node');
  const place = join(staging, 'node_modules/onnxruntime-node');
  const napi = globSync(source, 'bin', (path) => path.endsWith('onnxruntime_binding.node')).find((path) =>
    path.includes(join(...target.split('-'))),
  );
  if (napi === undefined) throw new Error(`onnxruntime-node has no binary for ${target} in ${source}/bin.`);
  const binaries = dirname(napi);
  cpSync(binaries, join(place, binaries.slice(source.length)), {
    recursive: true,
    // On macOS the library is there under its full version, too, and loaded by the short one.
    filter: (path) => !/\.\d+\.\d+\.\d+\.dylib$/.test(path),
  });
  cpSync(join(source, 'dist'), join(place, 'dist'), { recursive: true });
  const own = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  // Its other dependencies and its scripts only serve the download of CUDA.
  const { 'onnxruntime-common': common } = own.dependencies;
  const kept = { name: own.name, version: own.version, license: own.license, main: own.main };
  writeJson(join(place, 'package.json'), { ...kept, dependencies: { 'onnxruntime-common': common } });
  cpSync(join(root, 'node_modules/onnxruntime-common'), join(staging, 'node_modules/onnxruntime-common'), {
    recursive: true,
  });
}

/** The manifest without what only this repository needs. */
function writeManifest(/** @type {string} */ staging) {
  const shipped = { ...manifest };
  delete shipped.scripts;
  delete shipped.devDependencies;
  writeJson(join(staging, 'package.json'), shipped);
}

/** Names stay, so that a stack trace in a bug report can be read. */
async function minify(/** @type {string} */ staging) {
  for (const path of globSync(staging, 'dist', (name) => name.endsWith('.js'))) {
    const { code } = await esbuild.transform(
      readFileSync(path, 'utf8').replace(/^\/\/# sourceMappingURL.*$/m, ''),
      {
        minifyWhitespace: true,
        minifySyntax: true,
        platform: 'node',
        target: 'node20',
        legalComments: 'none',
      },
    );
    writeFileSync(path, code);
  }
}

/** What .vscodeignore let through is all that is needed and no other platform's code. */
async function check(/** @type {string} */ staging, /** @type {string} */ target) {
  const files = (await listFiles({ cwd: staging })).map((path) => path.replaceAll('\\', '/'));
  const missing = required.filter((path) => !files.includes(path));
  const native = files.filter((path) => /\.(node|so[.\d]*|dll|dylib)$/.test(path));
  const own = `/${target.split('-').join('/')}/`;
  const foreign = native.filter((path) => !path.includes(own));
  const bytes = statSync(packagePath(target)).size;
  const problems = [
    ...missing.map((path) => `${path} is missing`),
    ...foreign.map((path) => `${path} is for another platform`),
    ...(native.some((path) => path.endsWith('.node')) ? [] : ['the native runtime is missing']),
    ...(bytes > largest ? [`it has ${bytes} bytes, more than ${largest}`] : []),
  ];
  if (problems.length > 0) throw new Error(`${packagePath(target)}: ${problems.join('; ')}.`);
}

/** vsce has listed the files; the last line is for programs. */
function report(/** @type {string} */ target) {
  const path = packagePath(target);
  const bytes = statSync(path).size;
  console.log(`\n${basename(path)}: ${(bytes / 1e6).toFixed(1)} MB`);
  console.log(JSON.stringify({ vsix: path, target, bytes }));
}

function verify() {
  const path = packagePath(here);
  if (!chosenTargets().includes(here)) throw new Error(`Only a package for ${here} can be tried out here.`);
  const steps = [
    [join(root, 'esbuild.mjs'), '--tests', '--quiet'],
    [join(root, 'out/test/e2e/run.js'), '--vsix', path],
  ];
  for (const args of steps) {
    const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
}

function writeJson(/** @type {string} */ path, /** @type {unknown} */ value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
