// Installs what the browser host is made of (a VS Code server, Playwright, Node 24) next to this file, once per
// lockfile. Nothing is compiled and no install script runs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from './log.mjs';

const here = import.meta.dirname;
const modules = join(here, 'node_modules');
const stamp = join(modules, '.parafill-installed');

/** Folder of the VS Code server. */
export const vscodeServer = join(modules, 'code-server/lib/vscode');

/** The Node 24 this VS Code wants; Parafill itself needs less. */
export const nodeBinary = join(modules, `node-linux-${process.arch}`, 'bin/node');

/** Makes sure that the host is installed; quick when it is. Throws when it cannot be. */
export function installHost() {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new Error(
      `The browser host runs on Linux x64 and arm64, not on ${process.platform} ${process.arch}. ` +
        'Set VSCODE_EXECUTABLE_PATH to a desktop VS Code instead.',
    );
  }
  const lock = readFileSync(join(here, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;

  say('installing VS Code from the npm registry (about 300 MB, once)');
  rmSync(stamp, { force: true });
  npm(here, ['ci']);
  // The server's own shrinkwrap does not list everything `npm ci` wants to see, so it is `install` here.
  npm(vscodeServer, ['install', '--omit=dev']);
  npm(join(vscodeServer, 'extensions'), ['install', '--omit=dev']);
  if (!existsSync(nodeBinary)) throw new Error(`npm did not install ${nodeBinary}.`);
  // An AI assistant that signs in and answers first has no place in tests of another one.
  rmSync(join(vscodeServer, 'extensions/copilot'), { recursive: true, force: true });
  writeFileSync(stamp, wanted);
}

function npm(/** @type {string} */ folder, /** @type {string[]} */ args) {
  const all = [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } = spawnSync('npm', all, {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    // An npm that runs us must not make its own project or flags those of this installation.
    env: withoutNpmConfig(process.env),
  });
  if (status === 0) return;
  const reason = error?.message ?? `exit code ${status}`;
  throw new Error(`npm ${all.join(' ')} in ${folder} failed: ${reason}`);
}

function withoutNpmConfig(/** @type {NodeJS.ProcessEnv} */ environment) {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^npm_(package|lifecycle|command|config_(prefix|local_prefix|global_prefix))/i.test(name),
  );
  return Object.fromEntries(kept);
}
