// Starts and stops the VS Code server that the browser shows.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { nodeBinary, vscodeServer } from './install.mjs';

/**
 * @typedef {object} ServerOptions
 * @property {string} userDataDir   settings, workspace storage and logs
 * @property {string} extensionsDir where VSIX files are installed
 * @property {boolean} [workspaceTrust] whether folders are trusted only when the person says so; absent: all are
 *
 * @typedef {object} RunningServer
 * @property {string} url           the workbench's address on this machine
 * @property {Promise<string>} died resolves to the reason when the server ends by itself
 * @property {() => Promise<void>} stop
 */

/** Command-line arguments and environment that every use of the server shares. */
function invocation(/** @type {ServerOptions} */ { userDataDir, extensionsDir }) {
  return [
    join(vscodeServer, 'out/server-main.js'),
    '--accept-server-license-terms',
    '--telemetry-level',
    'off',
    '--server-data-dir',
    join(userDataDir, 'server'),
    '--user-data-dir',
    userDataDir,
    '--extensions-dir',
    extensionsDir,
  ];
}

/**
 * Starts the server on a free port and resolves once it listens. Its environment is ours, so that what a test
 * runner sets reaches the extension host.
 * @param {ServerOptions} options
 * @returns {Promise<RunningServer>}
 */
export function startServer(options) {
  const args = [
    ...invocation(options),
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--without-connection-token',
    ...(options.workspaceTrust === true ? [] : ['--disable-workspace-trust']),
    // Without it the page refuses extensions under development and extension tests.
    '--enable-smoke-test-driver',
  ];
  // A group of its own, so that stopping reaches the extension host and everything it started.
  const child = spawn(nodeBinary, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: process.env,
    detached: true,
  });
  let output = '';
  /** @type {Promise<string>} */
  const died = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`exit code ${code ?? signal}\n${output.slice(-4000)}`));
  });
  const stop = async () => {
    signalGroup(child.pid, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), 5_000);
    await died;
    clearTimeout(timer);
  };
  return new Promise((resolve, reject) => {
    const read = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString();
      const port = /Extension host agent listening on (\d+)/.exec(output)?.[1];
      if (port !== undefined) resolve({ url: `http://127.0.0.1:${port}/`, died, stop });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void died.then((reason) => reject(new Error(`The VS Code server did not start: ${reason}`)));
  });
}

/**
 * Installs one VSIX file for later servers with the same folders.
 * @param {ServerOptions} options
 * @param {string} vsix
 * @returns {Promise<void>}
 */
export function installExtension(options, vsix) {
  return new Promise((resolve, reject) => {
    const child = spawn(nodeBinary, [...invocation(options), '--install-extension', vsix], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // The server complains at length about native parts it does not need; who cares only cares when it fails.
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`Installing ${vsix} failed with exit code ${code}:\n${output.slice(-4000)}`));
    });
  });
}

function signalGroup(/** @type {number | undefined} */ pid, /** @type {NodeJS.Signals} */ signal) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}
