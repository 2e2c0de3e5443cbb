import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { findChromium } from '../e2e/host/chromium.mjs';
import { DeviceChooser } from '../../server/src/providers/deviceChooser';
import { withEnvironment } from './environment';
import { modelPath } from './shippedModel';

/**
 * The folder of a Chromium, which brings a driver that needs no graphics card (SwiftShader). Where CI has none yet it
 * is installed now, as for the end-to-end tests.
 */
function driverFolder(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const folders = ['/usr/lib/chromium', '/usr/lib64/chromium-browser'];
  const withDriver = (folder: string): boolean => existsSync(join(folder, 'vk_swiftshader_icd.json'));
  try {
    return folders.find(withDriver) ?? [...folders, dirname(realpathSync(findChromium()))].find(withDriver);
  } catch {
    return undefined;
  }
}

describe('WebGPU', () => {
  it('says what the CPU says about the shipped model, with keys and values that stay on the device', async function () {
    this.timeout(600_000);
    const driver = driverFolder();
    if (driver === undefined) {
      console.log('      skipped: no Chromium with vk_swiftshader_icd.json was found or could be installed');
      this.skip();
    }
    const cacheFolder = mkdtempSync(join(tmpdir(), 'parafill-webgpu-'));
    const lines: string[] = [];
    try {
      const environment = {
        VK_ICD_FILENAMES: join(driver, 'vk_swiftshader_icd.json'),
        LD_LIBRARY_PATH: driver,
        XDG_RUNTIME_DIR: tmpdir(),
      };
      const chooser = new DeviceChooser({
        workerPath: resolve('dist/worker.js'),
        cacheFolder,
        limitMs: 500_000,
        log: (line) => lines.push(line),
      });
      const { device } = await withEnvironment(environment, () =>
        chooser.choose(resolve(modelPath), 'webgpu', 2, new AbortController().signal),
      );
      // SwiftShader has no float16, so this is also the way from a graph that fails to the one that works.
      assert.deepEqual(device, { provider: 'webgpu', precision: 'float32' }, lines.join('\n'));
      const [name = ''] = readdirSync(cacheFolder);
      const { verdict } = JSON.parse(readFileSync(join(cacheFolder, name), 'utf8')) as {
        verdict: { difference: number };
      };
      assert.ok(verdict.difference < 1e-3, `log-probabilities are ${verdict.difference} off`);
    } finally {
      rmSync(cacheFolder, { recursive: true, force: true });
    }
  });
});
