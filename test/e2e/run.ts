import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { resolveCliPathFromVSCodeExecutablePath, runTests } from '@vscode/test-electron';
import { chooseHost, type Host } from './chooseHost';

// Runs the suite in a real VS Code. With `--vsix FILE` the packaged extension is installed and tested in place
// of the one in this folder.

const root = resolve(__dirname, '../../..');

/** What the tests need of the editor; everything else is as a new user finds it. */
const userSettings = {
  'files.autoSave': 'off',
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'extensions.ignoreRecommendations': true,
  'extensions.autoCheckUpdates': false,
  'security.workspace.trust.enabled': false,
  'editor.inlineSuggest.enabled': true,
  'editor.minimap.enabled': false,
  'telemetry.telemetryLevel': 'off',
  // Two completion sources at once would make it a matter of luck which one is seen.
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
};

async function main(): Promise<void> {
  const flag = process.argv.indexOf('--vsix');
  const vsix = flag < 0 ? undefined : resolve(process.argv[flag + 1] ?? '');
  const host = await chooseHost(root);
  console.log(`VS Code: ${host.kind} (${host.reason})`);

  const scratch = mkdtempSync(join(tmpdir(), 'parafill-e2e-'));
  try {
    const workspace = join(scratch, 'workspace');
    cpSync(join(root, 'test/fixtures/workspace'), workspace, { recursive: true });
    const userData = join(scratch, 'user');
    mkdirSync(join(userData, 'User'), { recursive: true });
    writeFileSync(join(userData, 'User/settings.json'), JSON.stringify(userSettings, null, 2));
    const folders = [`--user-data-dir=${userData}`, `--extensions-dir=${join(scratch, 'extensions')}`];
    if (vsix !== undefined) install(host, vsix, folders);
    await runTests({
      vscodeExecutablePath: host.executable,
      // A packaged extension is under test only when the one in this folder is not loaded as well.
      extensionDevelopmentPath: vsix === undefined ? root : join(root, 'test/e2e/driver'),
      extensionTestsPath: join(__dirname, 'suite/index.js'),
      launchArgs: [workspace, ...folders],
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Installs a packaged extension into folders that no other window uses. */
function install({ kind, executable }: Host, vsix: string, folders: readonly string[]): void {
  console.log(`Installing ${basename(vsix)}, ${(statSync(vsix).size / 1e6).toFixed(1)} MB`);
  // The desktop build installs by its command line program only.
  const program = kind === 'desktop' ? resolveCliPathFromVSCodeExecutablePath(executable) : executable;
  const { status, error } = spawnSync(program, ['--install-extension', vsix, ...folders], {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new Error(`${program} did not install ${vsix}: ${error?.message ?? String(status)}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
