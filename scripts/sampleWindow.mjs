// What `npm run editor` and `npm run screenshot` open: a copy of the sample files, so that trying things out
// changes nothing in the repository, and settings that keep everything else quiet.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const settings = {
  'files.autoSave': 'off',
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'extensions.ignoreRecommendations': true,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'editor.minimap.enabled': false,
};

/** Makes the folders of a window; `remove` deletes them again. */
export function sampleWindow(/** @type {string} */ root, /** @type {Record<string, unknown>} */ more = {}) {
  const scratch = mkdtempSync(join(tmpdir(), 'parafill-window-'));
  const folder = join(scratch, 'parafill-sample');
  cpSync(join(root, 'examples'), folder, { recursive: true });
  const userDataDir = join(scratch, 'user');
  const extensionsDir = join(scratch, 'extensions');
  mkdirSync(join(userDataDir, 'User'), { recursive: true });
  mkdirSync(extensionsDir);
  writeFileSync(join(userDataDir, 'User/settings.json'), JSON.stringify({ ...settings, ...more }, null, 2));
  const remove = () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  return { folder, userDataDir, extensionsDir, remove };
}
