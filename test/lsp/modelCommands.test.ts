import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CancellationTokenSource } from 'vscode-languageserver/node';
import {
  BENCHMARK,
  CHECK_MODEL,
  type BenchmarkResult,
  type CheckModelResult,
} from '../../server/src/protocol';
import { LanguageServer } from './languageServer';

describe('requests about the model', () => {
  let server: LanguageServer;
  let scratch = '';

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'parafill-models-'));
    server = await LanguageServer.start();
    await server.ready();
  });

  after(async () => {
    await server.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  const check = (path: unknown): Promise<CheckModelResult> => server.request(CHECK_MODEL, { path });

  it('a folder with a usable model is named, and the one in use stays', async () => {
    const before = await server.getStatus();
    const copy = join(scratch, 'copy');
    cpSync(before.model?.path ?? '', copy, { recursive: true });
    const result = await check(copy);
    assert.deepEqual(result, {
      kind: 'usable',
      name: before.model?.name,
      version: before.model?.version,
      provider: 'cpu',
    });
    const { model, inferencePid } = await server.getStatus();
    assert.deepEqual([model, inferencePid], [before.model, before.inferencePid]);
  });

  it('answers of the model before are not given for another one', async () => {
    const other = join(scratch, 'other');
    cpSync((await server.getStatus()).model?.path ?? '', other, { recursive: true });
    const uri = await server.open('const first = 1;\nconst second = \n');
    const wasModelRun = async (): Promise<boolean> => {
      await server.inlineCompletion(uri, 32);
      return (await server.lastOutcome()).effort !== undefined;
    };
    try {
      assert.deepEqual([await wasModelRun(), await wasModelRun()], [true, false]);
      await server.configure({ modelPath: other });
      assert.deepEqual([await wasModelRun(), await wasModelRun()], [true, false]);
    } finally {
      await server.configure({});
      // Whoever comes next finds the bundled model in use again.
      await wasModelRun();
    }
  });

  it('what is wrong with a folder is said', async () => {
    const damaged = join(scratch, 'damaged');
    cpSync((await server.getStatus()).model?.path ?? '', damaged, { recursive: true });
    writeFileSync(join(damaged, 'tokenizer.json'), '{}');
    const cases: readonly (readonly [path: unknown, reason: RegExp])[] = [
      [join(scratch, 'nothing'), /nothing.*there is nothing/],
      [damaged, /tokenizer\.json.*expected \d+ bytes/],
      ['', /path: expected the path of a folder/],
      [7, /path: expected the path of a folder, got 7/],
    ];
    for (const [path, reason] of cases) {
      const result = await check(path);
      assert.match(result.kind === 'failed' ? result.reason : '', reason);
    }
  });

  it('a benchmark measures real fills', async () => {
    for (const params of [{ mode: 'diffusion', steps: 2 }, { mode: 'ar' }]) {
      const result = await server.request<BenchmarkResult>(BENCHMARK, params);
      if (result.kind !== 'measured') assert.fail(JSON.stringify(result));
      assert.ok(result.fills >= 6);
      if (params.mode === 'diffusion') assert.equal(result.passes, 2);
      for (const ms of [result.firstMs, result.againMs, result.encodeMs, result.denoiseMs]) assert.ok(ms > 0);
      assert.ok(result.slowestMs >= result.firstMs);
    }
  });

  it('a benchmark can be cancelled, and refuses what it does not know', async () => {
    const source = new CancellationTokenSource();
    const answer = server.request<BenchmarkResult>(BENCHMARK, { mode: 'ar' }, source.token);
    await server.until(() => server.status?.busy === true);
    source.cancel();
    assert.equal((await answer).kind, 'cancelled');
    const wrong = await server.request<BenchmarkResult>(BENCHMARK, { mode: 'fast' });
    assert.match(
      wrong.kind === 'failed' ? wrong.reason : '',
      /mode: expected "diffusion" or "ar", got "fast"/,
    );
  });
});
