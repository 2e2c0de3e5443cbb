import { existsSync, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import Mocha from 'mocha';

const root = resolve(__dirname, '../../../..');

/** What a test that is no more was built into stays where it was. */
function hasSource(path: string): boolean {
  return existsSync(join(root, relative(join(root, 'out'), path).replace(/\.js$/, '.ts')));
}

/** Runs every test file of a folder inside the extension host. */
export async function runTestsOf(folder: string): Promise<void> {
  const mocha = new Mocha({
    ui: 'bdd',
    color: false,
    // The waits inside the tests have limits of their own and say what they waited for.
    timeout: 180_000,
    slow: 10_000,
    reporter: join(root, 'test/reporter.cjs'),
    // A pattern of titles, for working on one test.
    ...(process.env['PARAFILL_E2E_GREP'] === undefined ? {} : { grep: process.env['PARAFILL_E2E_GREP'] }),
  });
  for (const file of readdirSync(folder).sort()) {
    const path = join(folder, file);
    if (file.endsWith('.test.js') && hasSource(path)) mocha.addFile(path);
  }
  const failures = await new Promise<number>((done) => mocha.run(done));
  if (failures > 0) throw new Error(`${failures} end-to-end tests failed.`);
}
