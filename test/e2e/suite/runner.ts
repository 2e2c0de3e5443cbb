import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Mocha from 'mocha';

/** Runs every test file of a folder inside the extension host. */
export async function runTestsOf(folder: string): Promise<void> {
  const mocha = new Mocha({
    ui: 'bdd',
    color: false,
    // The waits inside the tests have limits of their own and say what they waited for.
    timeout: 180_000,
    slow: 10_000,
    // A window on a busy machine now and then loses a key or a click. The summary names what needed a second try.
    retries: 1,
    reporter: resolve(__dirname, '../../../../test/reporter.cjs'),
    // A pattern of titles, for working on one test.
    ...(process.env['PARAFILL_E2E_GREP'] === undefined ? {} : { grep: process.env['PARAFILL_E2E_GREP'] }),
  });
  for (const file of readdirSync(folder).sort())
    if (file.endsWith('.test.js')) mocha.addFile(join(folder, file));
  const failures = await new Promise<number>((done) => mocha.run(done));
  if (failures > 0) throw new Error(`${failures} end-to-end tests failed.`);
}
