import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
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

/** What a workspace could smuggle in that nobody trusts. */
const smuggled = {
  'parafill.modelPath': '/nowhere',
  'parafill.checkCommand': 'touch check-ran',
};

interface Suite {
  readonly folder: string;
  readonly settings?: object;
  readonly workspaceSettings?: object;
  readonly onlyIn?: Host['kind'];
  readonly launchArgs: readonly string[];
}

const suites: readonly Suite[] = [
  { folder: 'suite', launchArgs: [] },
  {
    folder: 'untrusted',
    settings: {
      'security.workspace.trust.enabled': true,
      'security.workspace.trust.startupPrompt': 'never',
      'security.workspace.trust.banner': 'never',
    },
    workspaceSettings: smuggled,
    // The desktop build trusts every workspace that it tests extensions in.
    onlyIn: 'browser',
    launchArgs: ['--enable-workspace-trust'],
  },
];

async function main(): Promise<void> {
  const flag = process.argv.indexOf('--vsix');
  const vsix = flag < 0 ? undefined : resolve(process.argv[flag + 1] ?? '');
  const host = await chooseHost(root);
  console.log(`VS Code: ${host.kind} (${host.reason})`);
  const wanted = process.env['PARAFILL_E2E_SUITE'];
  for (const suite of suites)
    if (wanted === undefined || wanted === suite.folder) await run(suite, host, vsix);
}

/** Runs the tests of one folder in a window of their own. */
async function run(suite: Suite, host: Host, vsix: string | undefined): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'parafill-e2e-'));
  try {
    const workspace = join(scratch, 'workspace');
    cpSync(join(root, 'test/fixtures/workspace'), workspace, { recursive: true });
    if (suite.workspaceSettings !== undefined)
      writeJson(join(workspace, '.vscode/settings.json'), suite.workspaceSettings);
    const userData = join(scratch, 'user');
    writeJson(join(userData, 'User/settings.json'), { ...userSettings, ...suite.settings });
    const extensions = join(scratch, 'extensions');
    cpSync(join(root, 'test/e2e/otherProvider'), join(extensions, 'supermaven.supermaven-0.0.0'), {
      recursive: true,
    });
    const folders = [`--user-data-dir=${userData}`, `--extensions-dir=${extensions}`];
    if (vsix !== undefined) install(host, vsix, folders);
    await runTests({
      vscodeExecutablePath: host.executable,
      // A packaged extension is under test only when the one in this folder is not loaded as well.
      extensionDevelopmentPath: vsix === undefined ? root : join(root, 'test/e2e/driver'),
      extensionTestsPath: join(__dirname, suite.folder, 'index.js'),
      launchArgs: [workspace, ...folders, ...suite.launchArgs],
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

function writeJson(path: string, content: object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(content, null, 2));
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
