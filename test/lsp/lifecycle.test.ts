import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InlineCompletionTriggerKind } from 'vscode-languageserver/node';
import { withEnvironment } from '../parity/environment';
import { isAlive, untilGone } from '../processes';
import { LanguageServer } from './languageServer';

const automatic = { triggerKind: InlineCompletionTriggerKind.Automatic };

describe('lifecycle', () => {
  let scratch = '';

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'parafill-lsp-'));
  });

  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  for (const transport of ['stdio', 'node-ipc'] as const) {
    it(`starts, says what it runs, and ends with its inference process over ${transport}`, async () => {
      const server = await LanguageServer.start({ transport });
      const status = await server.ready();
      assert.equal(status.kind, 'ready');
      assert.match(status.model?.name ?? '', /parafill/);
      assert.equal(status.provider, 'cpu');
      assert.ok(status.inferencePid !== undefined && isAlive(status.inferencePid));
      assert.equal(server.statuses[0]?.kind, 'loading');
      assert.equal(await server.stop(), 0);
      await untilGone(status.inferencePid);
    });
  }

  it('leaves no inference process behind when it is killed', async () => {
    const server = await LanguageServer.start();
    const { inferencePid } = await server.ready();
    assert.ok(inferencePid !== undefined);
    const exited = server.exited();
    server.process.kill('SIGKILL');
    await exited;
    await untilGone(inferencePid);
    server.connection.dispose();
  });

  it('answers a request that comes before the model is loaded', async () => {
    const server = await LanguageServer.start();
    const uri = await server.open('const first = 1;\nconst second = \n');
    await server.inlineCompletion(uri, 31, automatic);
    assert.ok(['filled', 'empty'].includes((await server.lastOutcome()).kind));
    await server.stop();
  });

  it('names what is wrong with a model it cannot use, answers that to requests, and stays', async () => {
    const server = await LanguageServer.start({ args: ['--model', join(scratch, 'nothing')] });
    const status = await server.until(() => server.status?.kind === 'error' && server.status);
    assert.match(status.reason ?? '', /nothing/);
    const uri = await server.open('const answer = ⟦⟧;\n');
    const result = await server.fillHoles(uri);
    assert.deepEqual(result, { kind: 'failed', reason: status.reason });
    assert.equal(await server.stop(), 0);
  });

  it('says once on a platform without a native runtime that there is none, and starts nothing again', async () => {
    const preload = `--require ${resolve('test/lsp/otherPlatform.cjs')}`;
    const server = await withEnvironment({ NODE_OPTIONS: preload }, () => LanguageServer.start());
    const status = await server.until(() => server.status?.kind === 'error' && server.status);
    assert.match(status.reason ?? '', /cannot be loaded on \w+-riscv64.*binaries for Linux x64 and arm64/);
    assert.equal(status.inferencePid, undefined);
    const uri = await server.open('const answer = ⟦⟧;\n');
    assert.deepEqual(await server.fillHoles(uri), { kind: 'failed', reason: status.reason });
    const kinds = new Set(server.statuses.map(({ kind }) => kind));
    assert.deepEqual([...kinds], ['loading', 'error']);
    assert.equal(await server.stop(), 0);
  });

  it('goes on with the bundled model when the custom one is damaged', async () => {
    const modelPath = join(scratch, 'damaged');
    mkdirSync(modelPath);
    writeFileSync(join(modelPath, 'manifest.json'), '{"format": 1');
    const server = await LanguageServer.start({ settings: { modelPath } });
    const status = await server.ready();
    assert.equal(status.kind, 'ready');
    assert.match(
      status.warning ?? '',
      /parafill\.modelPath cannot be used; the bundled model is used instead/,
    );
    assert.match(status.warning ?? '', /damaged.*manifest\.json/);
    assert.doesNotMatch(status.model?.path ?? '', /damaged/);
    const uri = await server.open('const answer = ⟦⟧;\n');
    assert.equal((await server.fillHoles(uri)).kind, 'filled');

    // The mistake is put right: the warning goes.
    await server.configure({});
    await server.until(() => server.status?.warning === undefined && server.status?.kind === 'ready');
    await server.stop();
  });

  it('follows the settings', async () => {
    const server = await LanguageServer.start({ settings: { languages: { python: false }, steps: 'many' } });
    await server.ready();
    await server.until(() =>
      server.logs.find((line) => line.includes('parafill.steps: expected a whole number')),
    );

    const uri = await server.open('a = ', 'python');
    assert.deepEqual(await server.inlineCompletion(uri, 4, automatic), []);
    assert.match((await server.lastOutcome()).reason, /language python by the setting parafill\.languages/);

    await server.configure({ enableAutomaticCompletions: false });
    await server.until(() => server.status?.kind === 'paused');
    assert.deepEqual(await server.inlineCompletion(uri, 4, automatic), []);
    assert.match((await server.lastOutcome()).reason, /parafill\.enableAutomaticCompletions/);
    await server.inlineCompletion(uri, 4);
    assert.ok(['filled', 'empty'].includes((await server.lastOutcome()).kind));

    await server.configure({ enable: false });
    await server.until(() => server.status?.reason?.includes('parafill.enable.') === true);
    assert.deepEqual(await server.inlineCompletion(uri, 4), []);
    assert.equal((await server.fillHoles(uri)).kind, 'failed');
    // A model that nobody may ask takes no memory.
    await server.until(() => server.status?.inferencePid === undefined);

    await server.configure({ maxFileSize: 1_000 });
    await server.until(() => server.status?.kind === 'ready');
    const large = await server.open('a = 1\n'.repeat(1_000), 'python');
    assert.deepEqual(await server.inlineCompletion(large, 0, automatic), []);
    assert.match(
      (await server.lastOutcome()).reason,
      /6000 characters, more than parafill\.maxFileSize \(1000\)/,
    );
    await server.stop();
  });

  it('takes the settings of editors that cannot be asked', async () => {
    const server = await LanguageServer.start({ pullsConfiguration: false, settings: { enable: false } });
    const status = await server.until(() => server.status);
    assert.equal(status.kind, 'paused');
    assert.equal(status.inferencePid, undefined);
    await server.configure({ enable: true });
    await server.ready();
    await server.stop();
  });

  it('says how it is started', () => {
    const result = spawnSync(process.execPath, ['dist/server.js'], { encoding: 'utf8' });
    assert.equal(result.status, 2);
    assert.match(result.stderr, /--stdio/);
  });
});
