import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CancellationSource, neverCancelled } from '../../server/src/base/cancellation';
import { DisposableStore } from '../../server/src/base/lifecycle';
import { InferenceClient, type InferenceState } from '../../server/src/inference/inferenceClient';
import { type InfillRequest, UNDECIDED } from '../../server/src/inference/messages';
import { ModelCopy } from './damagedModel';
import { modelPath } from './shippedModel';

const workerPath = resolve('dist/worker.js');

const short: InfillRequest = {
  language: 'typescript',
  segments: ['const total = items.reduce((sum, item) => ', ', 0);\n'],
  mode: 'diffusion',
  maxTokens: 16,
  candidates: 1,
  temperature: 0,
  seed: 0,
};
/** Hundreds of passes: whatever is to happen in the middle of a request finds one of them under way. */
const long: InfillRequest = {
  ...short,
  segments: Array.from({ length: 9 }, (_, i) => `f${i}(`),
  mode: 'ar',
  maxTokens: 128,
  candidates: 8,
  temperature: 2,
  topP: 1,
};

describe('the inference process', () => {
  let store: DisposableStore;

  beforeEach(() => {
    store = new DisposableStore();
  });

  afterEach(() => store.dispose());

  const clientFor = (options: { workerPath?: string; modelPath?: string } = {}): InferenceClient =>
    store.add(
      new InferenceClient({
        workerPath,
        modelPath: resolve(modelPath),
        threads: 2,
        firstRestartDelayMs: 1,
        log: () => undefined,
        ...options,
      }),
    );

  it('says what it runs once it is ready', async () => {
    const info = await clientFor().ready();
    const manifest = JSON.parse(readFileSync(`${modelPath}/manifest.json`, 'utf8')) as { name: string };
    assert.equal(info.name, manifest.name);
    assert.equal(info.provider, 'cpu');
    assert.ok(info.loadMs > 0 && info.warmupMs > 0);
  });

  it('answers several requests, reusing the context of the one before', async () => {
    const client = clientFor();
    const outcomes = await Promise.all([
      client.infill(short, neverCancelled),
      client.infill(short, neverCancelled),
    ]);
    const [first, second] = outcomes.map((outcome) => {
      assert.equal(outcome.kind, 'filled');
      return outcome;
    });
    assert.deepEqual(first!.candidates, second!.candidates);
    assert.equal(second!.reusedTokens, second!.contextTokens);
  });

  it('a SIGKILL in the middle of a request fails that one, and the next is answered', async () => {
    const client = clientFor();
    const expected = await client.infill(short, neverCancelled);
    const states: InferenceState['kind'][] = [];
    client.onStateChange((state) => states.push(state.kind));

    // Requests are answered in order: when the first of the two is, the second is being worked on.
    const before = client.infill(short, neverCancelled);
    const victim = client.infill(long, neverCancelled);
    await before;
    process.kill(client.processId!, 'SIGKILL');
    const outcome = await victim;
    assert.equal(outcome.kind, 'failed');
    assert.match(outcome.reason, /the inference process ended unexpectedly \(signal SIGKILL\)/);

    const next = await client.infill(short, neverCancelled);
    assert.equal(next.kind, 'filled');
    assert.ok(expected.kind === 'filled');
    assert.deepEqual(next.candidates, expected.candidates);
    assert.deepEqual(states, ['restarting', 'loading', 'ready']);
  });

  it('stops a request in the middle when it is cancelled', async () => {
    const client = clientFor();
    const source = new CancellationSource();
    const before = client.infill(short, neverCancelled);
    const cancelled = client.infill(long, source.token);
    const after = client.infill(short, neverCancelled);
    await before;
    source.cancel();
    assert.deepEqual(await cancelled, { kind: 'cancelled' });
    assert.equal((await after).kind, 'filled');
  });

  it('tells of its progress whoever asks for it, and nobody else', async () => {
    const client = clientFor();
    const heard: string[] = [];
    const watched = client.infill({ ...short, steps: 16 }, neverCancelled, ({ fills }) => {
      heard.push(fills.join());
    });
    const other = client.infill(short, neverCancelled);
    const outcome = await watched;
    assert.equal(outcome.kind, 'filled');
    assert.match(heard[0] ?? '', new RegExp(`^${UNDECIDED}+$`));
    const count = heard.length;
    await other;
    assert.equal(heard.length, count);
  });

  it('does not start a request that is cancelled already, nor while it waits for the model', async () => {
    const client = clientFor();
    const source = new CancellationSource();
    const waiting = client.infill(short, source.token);
    source.cancel();
    assert.deepEqual(await waiting, { kind: 'cancelled' });
    assert.deepEqual(await client.infill(short, source.token), { kind: 'cancelled' });
  });

  it('answers a request that makes no sense with what is wrong about it', async () => {
    const outcome = await clientFor().infill({ ...short, segments: ['no hole'] }, neverCancelled);
    assert.equal(outcome.kind, 'failed');
    assert.match(outcome.reason, /expected at least 2 texts/);
  });

  it('stays small', async function () {
    if (!existsSync('/proc/self/status')) this.skip();
    const client = clientFor();
    const code = 'export const value = compute(1, 2);\n'.repeat(200);
    for (const temperature of [0, 1]) {
      const segments = Array.from({ length: 5 }, () => code.slice(0, 400));
      await client.infill({ ...short, segments, candidates: 4, maxTokens: 64, temperature }, neverCancelled);
    }
    const status = readFileSync(`/proc/${client.processId}/status`, 'utf8');
    const peakMb = Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1]) / 1024;
    assert.ok(peakMb < 600, `${peakMb.toFixed(0)} MB at its peak`);
  });

  it('fails what is open when it is shut down, and what comes after', async () => {
    const client = clientFor();
    await client.ready();
    const open = client.infill(long, neverCancelled);
    client.dispose();
    for (const outcome of [await open, await client.infill(short, neverCancelled)]) {
      assert.equal(outcome.kind, 'failed');
      assert.match(outcome.reason, /was shut down/);
    }
  });

  it('is given up when it ends again and again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parafill-worker-'));
    store.add({ dispose: () => rmSync(folder, { recursive: true, force: true }) });
    const broken = join(folder, 'worker.js');
    writeFileSync(broken, 'console.error("out of luck"); process.exit(7);');
    const client = clientFor({ workerPath: broken });
    const outcome = await client.infill(short, neverCancelled);
    assert.equal(outcome.kind, 'failed');
    assert.match(outcome.reason, /\(exit code 7\): out of luck; that was the 5th time in a row/);
    assert.equal(client.state.kind, 'error');
  });

  const faults: [name: string, damage: (copy: ModelCopy) => void, message: RegExp][] = [
    ['a missing graph', (copy) => copy.remove('model.onnx'), /model\.onnx: the file is missing/],
    ['a missing manifest', (copy) => copy.remove('manifest.json'), /manifest\.json: the file is missing/],
    [
      'a truncated graph',
      (copy) => copy.write('model.onnx', copy.read('model.onnx').subarray(0, 1000)),
      /model\.onnx: expected \d+ bytes, as manifest\.json says, but found 1000\./,
    ],
    [
      'a graph of another hash',
      (copy) => copy.write('model.onnx', copy.read('model.onnx').fill(0, 500, 501).fill(1, 501, 502)),
      /model\.onnx: expected SHA-256 [0-9a-f]{64}, .* found [0-9a-f]{64}/,
    ],
    [
      'a tokenizer that was changed',
      (copy) => copy.write('tokenizer.json', copy.read('tokenizer.json').fill('x', 400, 401)),
      /tokenizer\.json: expected SHA-256 [0-9a-f]{64}, .* found [0-9a-f]{64}/,
    ],
    [
      'a graph that is none',
      (copy) => copy.replace('model.onnx', Buffer.from('not a graph')),
      /model\.onnx: onnxruntime cannot load the graph/,
    ],
    [
      'a manifest with more layers than the graph',
      (copy) => copy.editManifest(/"layers": \d+/, '"layers": 99'),
      /model\.onnx: expected an input "past_key_\d+" \(float32 \[1, .*\]\), but the graph has none\. The graph and manifest\.json do not belong together/,
    ],
    [
      'a manifest with fewer layers than the graph',
      (copy) => copy.editManifest(/"layers": \d+/, '"layers": 1'),
      /model\.onnx: the graph wants an input "past_key_1" that is not known/,
    ],
    [
      'a manifest with other heads than the graph',
      (copy) => copy.editManifest(/"kvHeads": \d+/, '"kvHeads": 5'),
      /model\.onnx: expected float32 \[1, 5, \?, \d+\] as input "past_key_0", found float32/,
    ],
    [
      'a tokenizer of another size',
      (copy) => copy.editManifest(/"vocabSize": \d+/, '"vocabSize": 9000'),
      /tokenizer\.json: expected 9000 tokens, as the manifest says, but found \d+/,
    ],
  ];
  for (const [name, damage, message] of faults) {
    it(`names the file and the fault of ${name}`, async () => {
      const copy = store.add(new ModelCopy());
      damage(copy);
      const client = clientFor({ modelPath: copy.path });
      await assert.rejects(client.ready(), message);
      assert.equal(client.state.kind, 'error');
      const outcome = await client.infill(short, neverCancelled);
      assert.equal(outcome.kind, 'failed');
      assert.match(outcome.reason, message);
    });
  }
});
