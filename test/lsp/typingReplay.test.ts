import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { TypingReport } from '../../bench/typing/summary';

describe('bench:typing', () => {
  it('types a file into the server and sums up what became of it', async () => {
    const args = ['--json', '--typed', '60', '--speed', '20', 'examples/sample.py'];
    const command = promisify(execFile)(process.execPath, [resolve('dist/benchTyping.js'), ...args]);
    const report = JSON.parse((await command).stdout) as TypingReport;
    assert.ok(report.requests > 30);
    assert.equal(report.answered + report.superseded, report.requests);
    assert.equal(report.failed, 0);
    assert.ok(report.answered > 0 && (report.latencyMs?.p50 ?? 0) > 0);
    for (const share of [report.fromCache, report.contextReused, report.tokensReused, report.saved.share]) {
      assert.ok(share === null || (share >= 0 && share <= 1), `${share}`);
    }
  });
});
