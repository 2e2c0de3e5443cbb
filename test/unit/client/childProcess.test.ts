import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  missingCommand,
  MOST_OUTPUT,
  runCheck,
  type CheckResult,
} from '../../../client/src/check/childProcess';
import { untilGone } from '../../processes';

/** Real shells and real processes; the commands are those of a POSIX shell. */
(process.platform === 'win32' ? describe.skip : describe)('runCheck', () => {
  let folder = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'parafill-check-process-'));
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function run(
    command: string,
    timeoutMs = 25_000,
    signal = new AbortController().signal,
  ): Promise<CheckResult> {
    return runCheck(command, { folder, timeoutMs, signal });
  }

  it('passes a command that ends with 0, and says how long it took', async () => {
    const result = await run('echo fine');
    if (result.kind !== 'passed') assert.fail(JSON.stringify(result));
    assert.equal(result.output, 'fine\n');
    assert.ok(result.ms > 0);
  });

  it('runs where it is told to, for a machine and not for this editor', async () => {
    process.env['VSCODE_TEST_MARK'] = 'yes';
    process.env['GIT_DIR'] = '/elsewhere';
    try {
      const result = await run('pwd; echo "$CI $VSCODE_TEST_MARK$GIT_DIR"');
      assert.equal(result.kind === 'passed' ? result.output : result, `${folder}\ntrue \n`);
    } finally {
      delete process.env['VSCODE_TEST_MARK'];
      delete process.env['GIT_DIR'];
    }
  });

  const failures: readonly (readonly [command: string, because: object, output: string])[] = [
    ['echo out; echo err >&2; exit 3', { kind: 'exit', code: 3 }, 'out\nerr\n'],
    ['printf "\\033[31mred\\033[0m"; exit 1', { kind: 'exit', code: 1 }, 'red'],
    ['kill -SEGV $$', { kind: 'signal', name: 'SIGSEGV' }, ''],
  ];
  for (const [command, because, output] of failures) {
    it(`fails ${command}`, async () => {
      const result = await run(command);
      if (result.kind !== 'failed') assert.fail(JSON.stringify(result));
      assert.deepEqual(result.because, because);
      // The two streams may come in either order.
      assert.deepEqual(result.output.split('\n').sort(), output.split('\n').sort());
    });
  }

  it('says that there is no such command, or no such folder', async () => {
    const missing = await run('no-such-command-anywhere');
    assert.match(missingCommand(missing) ?? '', /no-such-command-anywhere.*not found/);
    assert.equal(missingCommand(await run('exit 1')), undefined);
    const signal = new AbortController().signal;
    const nowhere = await runCheck('true', { folder: join(folder, 'gone'), timeoutMs: 1_000, signal });
    assert.match(nowhere.kind === 'unusable' ? nowhere.reason : '', /ENOENT/);
  });

  it('ends a command that hangs, and what it has started, at the time limit', async () => {
    const result = await run(
      'echo $$; sleep 1000 & echo $!; trap "" TERM INT HUP; while :; do sleep 1; done',
      1_000,
    );
    if (result.kind !== 'failed') assert.fail(JSON.stringify(result));
    assert.deepEqual(result.because, { kind: 'timeout' });
    await allGone(result.output, 2);
  });

  it('ends a command that goes on forking', async () => {
    const fork =
      'for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4; do sleep 1000 & echo $!; done; wait) & done; wait';
    const result = await run(fork, 3_000);
    assert.equal(result.kind === 'failed' ? result.because.kind : result.kind, 'timeout');
    if (result.kind === 'failed') await allGone(result.output, 8);
  });

  it('ends a command that prints without end, and keeps little of it', async () => {
    const result = await run('yes 0123456789');
    if (result.kind !== 'failed') assert.fail(JSON.stringify(result));
    assert.deepEqual(result.because, { kind: 'output' });
    assert.ok(result.output.length < MOST_OUTPUT / 100);
    assert.match(result.output, /0123456789\n/);
  });

  it('does not let a passing command leave anything behind', async () => {
    const result = await run('sleep 1000 & echo $!');
    if (result.kind !== 'passed') assert.fail(JSON.stringify(result));
    await allGone(result.output, 1);
  });

  it('ends on cancellation, also when that came first', async () => {
    const abort = new AbortController();
    const running = run('echo here; sleep 1000', 25_000, abort.signal);
    setImmediate(() => {
      abort.abort();
    });
    assert.deepEqual(await running, { kind: 'cancelled' });
    assert.deepEqual(await run('true', 25_000, abort.signal), { kind: 'cancelled' });
  });
});

/** Resolves when none of the printed process ids is one any more; there are at least so many. */
async function allGone(output: string, atLeast: number): Promise<void> {
  const pids = output.trim().split('\n').map(Number);
  assert.ok(pids.length >= atLeast && pids.every(Number.isInteger), output);
  await Promise.all(pids.map(untilGone));
}
