// Finds a Chromium to show the workbench in: CHROME_PATH, one that is installed, or, for root on Debian and its
// relatives (containers, CI), one that apt installs now.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { say } from './log.mjs';

const commands = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'microsoft-edge',
  'brave-browser',
];

/** Returns the path of a Chromium; throws an error that says how to get one. */
export function findChromium() {
  const named = process.env['CHROME_PATH'];
  if (named) {
    if (isExecutable(named)) return named;
    throw new Error(`CHROME_PATH is ${named}, which is not an executable file.`);
  }
  const found = onPath() ?? installWithApt();
  if (found !== undefined) return found;
  throw new Error(
    'No Chromium was found, and the browser host needs one to show VS Code in. ' +
      'Install Chromium, Chrome or Edge (on Debian: apt-get install chromium), ' +
      'or set CHROME_PATH to its executable.',
  );
}

function onPath() {
  for (const command of commands) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(folder, command);
      if (folder !== '' && isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** Installing packages is only for root, who on a CI machine is the only one there. */
function installWithApt() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  if (!existsSync('/usr/bin/apt-get')) return undefined;
  say('no Chromium found; installing the chromium package with apt-get (about 100 MB)');
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'],
  ]) {
    const { status, error } = spawnSync('/usr/bin/apt-get', args, {
      // mocha and npm read our standard output; apt's chatter goes to the error stream.
      stdio: ['ignore', 2, 2],
      env: environment,
    });
    // An outdated or unreachable index need not matter: the second command decides.
    if (status !== 0) say(`apt-get ${args[0]} failed (${error?.message ?? `exit code ${status}`})`);
  }
  return onPath();
}

function isExecutable(/** @type {string} */ path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
