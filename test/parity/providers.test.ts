import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Provider } from '../../server/src/base/device';
import { type Choice, DeviceChooser, type Wanted } from '../../server/src/providers/deviceChooser';
import { ModelCopy } from './damagedModel';
import { withEnvironment } from './environment';
import { modelPath } from './shippedModel';

const workerPath = resolve('dist/worker.js');
const preload = resolve('test/parity/faultyRuntime.cjs');
const never = new AbortController().signal;

describe('providers', () => {
  let folder: string;
  let lines: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parafill-providers-'));
    lines = [];
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const chooser = (limitMs?: number): DeviceChooser =>
    new DeviceChooser({
      workerPath,
      cacheFolder: folder,
      log: (line) => lines.push(line),
      ...(limitMs === undefined ? {} : { limitMs }),
    });

  const withFault = (fault: string, wanted: Wanted, limitMs?: number): Promise<Choice> =>
    withEnvironment({ NODE_OPTIONS: `--require ${preload}`, PARAFILL_TEST_FAULT: fault }, () =>
      chooser(limitMs).choose(resolve(modelPath), wanted, 2, never),
    );

  const probes = (): number => lines.filter((line) => !line.includes('known from before')).length;

  const faults: readonly (readonly [fault: string, reason: RegExp])[] = [
    ['is not there', /cannot load the graph: Failed to get a WebGPU adapter/],
    ['has no memory', /cannot load the graph: std::bad_alloc/],
    ['ends the process', /it ended the process that tried it out \((signal SIGABRT|exit code \d+)\)/],
    ['ends the process in a pass', /it ended the process that tried it out/],
    ['throws in a pass', /Device lost/],
    ['gives NaN', /expected finite logits, but found NaN or infinity/],
    ['gives infinity', /expected finite logits, but found NaN or infinity/],
    ['gives wrong logits', /expected the log-probabilities that the CPU gives, .* but found one [\d.]+ off/],
  ];
  for (const [fault, reason] of faults) {
    it(`leave a device that ${fault} for the CPU and say why`, async () => {
      const { device, complaint = '' } = await withFault(fault, 'webgpu');
      assert.equal(device.provider, 'cpu');
      assert.match(complaint, /^The provider webgpu cannot be used, so the CPU is\. /);
      assert.match(complaint, reason);
      assert.ok(lines.some((line) => reason.test(line)));
    });
  }

  it('leave a device that hangs, after a time limit', async () => {
    const { device, complaint = '' } = await withFault('hangs', 'webgpu', 3_000);
    assert.equal(device.provider, 'cpu');
    assert.match(complaint, /it did not answer within 3 s/);
  });

  it('take a device that is faster, and believe it the next time', async () => {
    const first = await withFault('is fast', 'auto');
    assert.deepEqual(first.device, { provider: 'webgpu', precision: 'float16' });
    const before = probes();
    // What would fail now is not tried out anew.
    assert.deepEqual(await withFault('ends the process', 'auto'), first);
    assert.equal(probes(), before);
  });

  it('take a slower device only where it is asked for by name', async () => {
    assert.equal((await withFault('is slow', 'auto')).device.provider, 'cpu');
    assert.equal((await withFault('is slow', 'webgpu')).device.provider, 'webgpu');
  });

  it('try a device that failed out anew where it is asked for by name', async () => {
    assert.equal((await withFault('ends the process', 'webgpu')).device.provider, 'cpu');
    assert.equal((await withFault('is fast', 'webgpu')).device.provider, 'webgpu');
  });

  it('do not use a device again that failed after it was trusted', async () => {
    const { device } = await withFault('is fast', 'auto');
    await chooser().blame(resolve(modelPath), device, 'Device lost');
    assert.equal((await withFault('is fast', 'auto')).device.provider, 'cpu');
  });

  const verdictOn = (provider: Provider): string =>
    join(
      folder,
      readdirSync(folder).find((name) => name.startsWith(provider))!,
    );
  const spoilt: readonly (readonly [what: string, change: (text: string) => string])[] = [
    ['is damaged', (text) => text.slice(0, text.length / 2)],
    ['is no verdict', () => '{"format": 1, "at": 0, "subject": {}, "verdict": {"kind": "works"}}'],
    ['is of another version of the runtime', (text) => text.replace(/"runtime": ".*"/, '"runtime": "1.0.0"')],
    ['is of another machine', (text) => text.replace(/"machine": \[/, '"machine": ["another",')],
    ['is of another model', (text) => text.replace(/"model": "..../, '"model": "0000')],
    ['is too old', (text) => text.replace(/"at": \d+/, `"at": ${Date.now() - 40 * 24 * 3600 * 1000}`)],
    ['is from the future', (text) => text.replace(/"at": \d+/, `"at": ${Date.now() + 1e9}`)],
  ];
  it('find a verdict anew that cannot be relied on', async () => {
    await withFault('is fast', 'auto');
    const sound = readFileSync(verdictOn('webgpu'), 'utf8');
    for (const [what, change] of spoilt) {
      const changed = change(sound);
      assert.notEqual(changed, sound, what);
      writeFileSync(verdictOn('webgpu'), changed);
      assert.equal((await withFault('is not there', 'auto')).device.provider, 'cpu', what);
      assert.match(readFileSync(verdictOn('webgpu'), 'utf8'), /"kind": "failed"/, what);
    }
  });

  it('need the graphs for GPUs, and say how to get them', async () => {
    const copy = new ModelCopy();
    try {
      copy.editManifest(/"model\.f(16|32)\.onnx"/g, '"none"');
      const { device, complaint = '' } = await chooser().choose(copy.path, 'webgpu', 2, never);
      assert.equal(device.provider, 'cpu');
      assert.match(complaint, /expected the file model\.f32\.onnx.*export_gpu_graphs\.py/);
    } finally {
      copy.dispose();
    }
  });

  it('ask for nothing but the CPU where only that is wanted', async () => {
    assert.deepEqual(await withFault('ends the process', 'cpu'), {
      device: { provider: 'cpu', precision: 'int8' },
    });
    assert.deepEqual(lines, []);
  });

  describe('on the command line', () => {
    const fill = (
      fault: string,
      provider: string,
    ): { status: number | null; stdout: string; stderr: string } =>
      spawnSync(
        process.execPath,
        [
          resolve('dist/cli.js'),
          'infill',
          '--jsonl',
          '--provider',
          provider,
          '--threads',
          '2',
          '--model',
          resolve(modelPath),
        ],
        {
          input: '{"language":"python","segments":["import ","\\n"]}\n',
          encoding: 'utf8',
          env: {
            ...process.env,
            XDG_CACHE_HOME: folder,
            NODE_OPTIONS: `--require ${preload}`,
            PARAFILL_TEST_FAULT: fault,
          },
        },
      );

    it('go on with the CPU when the device ends the process, and say so', () => {
      const { status, stdout, stderr } = fill('ends the process', 'webgpu');
      assert.equal(status, 0);
      assert.match(stderr, /parafill: The provider webgpu cannot be used, so the CPU is\./);
      assert.ok((JSON.parse(stdout) as { candidates: unknown[] }).candidates.length > 0);
    });

    for (const fault of ['ends the process in a pass', 'gives NaN']) {
      it(`ask again on the CPU when a device that was trusted ${fault}`, () => {
        assert.equal(fill('is fast', 'webgpu').status, 0);
        const { status, stdout, stderr } = fill(fault, 'webgpu');
        assert.equal(status, 0, stderr);
        assert.match(stderr, /parafill: webgpu \(float16\) failed, so the CPU is used\./);
        assert.ok((JSON.parse(stdout) as { candidates: unknown[] }).candidates.length > 0);
      });
    }

    it('say what is wrong when even the CPU has no memory', () => {
      const { status, stderr } = fill('has no memory on the CPU', 'cpu');
      assert.equal(status, 1);
      assert.match(stderr, /model\.onnx: onnxruntime cannot load the graph: std::bad_alloc/);
    });
  });
});
