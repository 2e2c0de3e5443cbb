// Makes an installable VSIX for this platform, or for another one, and prints its size; with --verify it is then installed into a
// clean VS Code and the end-to-end tests run against it.
//   npm run package [-- --target linux-arm64] [-- --verify]
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
import { createVSIX } from '@vscode/vsce';
import * as esbuild from 'esbuild';
import { globSync } from './files.mjs';
import { thirdPartyNotices } from './notices.mjs';

const root = dirname(import.meta.dirname);
const here = `${process.platform}-${process.arch}`;
/** What VS Code calls the platforms that onnxruntime-node has binaries for. */
const targets = ['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-arm64'];
const target = chosenTarget();
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const packagePath = join(root, `${manifest.name}-${target}-${manifest.version}.vsix`);

const staging = mkdtempSync(join(tmpdir(), 'parafill-package-'));
try {
  stageProduct();
  stageRuntime();
  writeManifest();
  await minify();
  await createVSIX({
    cwd: staging,
    packagePath,
    target,
    useYarn: false,
    allowMissingRepository: true,
    // There is no public address yet that relative links could be turned into.
    rewriteRelativeLinks: false,
  });
  report();
} finally {
  rmSync(staging, { recursive: true, force: true });
}
if (process.argv.includes('--verify')) verify();

/** The platform that `--target` names, or this one. */
function chosenTarget() {
  const at = process.argv.indexOf('--target');
  const chosen = at < 0 ? here : (process.argv[at + 1] ?? '');
  if (targets.includes(chosen)) return chosen;
  console.error(`Expected one of these targets: ${targets.join(', ')}; got "${chosen}".`);
  process.exit(2);
}

/** What this repository itself contributes; .vscodeignore narrows it down to what is shipped. */
function stageProduct() {
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
function stageRuntime() {
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
function writeManifest() {
  const shipped = { ...manifest };
  delete shipped.scripts;
  delete shipped.devDependencies;
  writeJson(join(staging, 'package.json'), shipped);
}

/** Names stay, so that a stack trace in a bug report can be read. */
async function minify() {
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

/** vsce has listed the files; the last line is for programs. */
function report() {
  const bytes = statSync(packagePath).size;
  console.log(`\n${basename(packagePath)}: ${(bytes / 1e6).toFixed(1)} MB`);
  console.log(JSON.stringify({ vsix: packagePath, target, bytes }));
}

function verify() {
  if (target !== here) throw new Error(`A package for ${target} cannot be tried out on ${here}.`);
  const steps = [
    [join(root, 'esbuild.mjs'), '--tests', '--quiet'],
    [join(root, 'out/test/e2e/run.js'), '--vsix', packagePath],
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
