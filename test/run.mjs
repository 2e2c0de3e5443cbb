// Runs the stages of `npm test` in order, stops at the first that fails and closes with one line of counts.
//   node test/run.mjs                 all stages
//   node test/run.mjs unit parity     the build and these stages
// A mocha stage reports its counts through test/reporter.cjs; a stage that ran no test at all has failed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { existsSync, globSync } from '../scripts/files.mjs';

const root = dirname(import.meta.dirname);
const bin = (/** @type {string} */ name) => join(root, 'node_modules', ...name.split('/'));
const node = (/** @type {string[]} */ ...args) => ({ command: process.execPath, args });

/** Compiled tests of one folder of test/, run by mocha from the repository's root. */
function mocha(/** @type {string} */ folder, /** @type {number} */ timeoutMs) {
  const files = globSync(root, `out/test/${folder}`, (path) => path.endsWith('.test.js'));
  return node(
    bin('mocha/bin/mocha.js'),
    '--exit',
    '--enable-source-maps',
    '--reporter',
    join(root, 'test/reporter.cjs'),
    '--timeout',
    String(timeoutMs),
    ...files,
  );
}

/** The VSIX that scripts/package.mjs makes for this platform. */
function packaged() {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return join(root, `${name}-${process.platform}-${process.arch}-${version}.vsix`);
}

const stages = {
  build: () => node(join(root, 'esbuild.mjs')),
  typecheck: () => node(bin('typescript/bin/tsc'), '--noEmit'),
  lint: () => node(bin('eslint/bin/eslint.js'), '.'),
  format: () => node(bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'),
  tests: () => node(join(root, 'esbuild.mjs'), '--tests'),
  unit: () => mocha('unit', 30_000),
  parity: () => mocha('parity', 120_000),
  lsp: () => mocha('lsp', 60_000),
  package: () => node(join(root, 'scripts/package.mjs'), '--target', 'all'),
  // What was packaged just now is what people get; while working on something, what was built will do.
  e2e: () =>
    node(
      '--enable-source-maps',
      join(root, 'out/test/e2e/run.js'),
      ...(order.includes('package') ? ['--vsix', packaged()] : []),
    ),
};
const countsTests = new Set(['unit', 'parity', 'lsp', 'e2e']);

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in stages));
if (unknown.length > 0) {
  console.error(`Unknown stage ${unknown.join(', ')}; there are: ${Object.keys(stages).join(', ')}`);
  process.exit(2);
}
const order =
  wanted.length === 0
    ? Object.keys(stages)
    : ['build', 'tests', ...wanted.filter((name) => name !== 'build' && name !== 'tests')];

const scratch = mkdtempSync(join(tmpdir(), 'parafill-test-'));
const total = { passed: 0, failed: 0, pending: 0 };
/** @type {string[]} */
const failures = [];
/** @type {string[]} */
const retried = [];
let failedStage = '';
for (const name of order) {
  const started = Date.now();
  console.log(`\n── ${name}`);
  const countsFile = join(scratch, `${name}.jsonl`);
  const { command, args } = stages[name]();
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PARAFILL_TEST_COUNTS: countsFile },
  });
  const counts = { passed: 0, failed: 0, pending: 0 };
  if (existsSync(countsFile)) {
    for (const line of readFileSync(countsFile, 'utf8')
      .split('\n')
      .filter((text) => text !== '')) {
      const reported = JSON.parse(line);
      for (const key of Object.keys(counts)) counts[key] += reported[key];
      failures.push(...reported.failures);
      retried.push(...reported.retried);
    }
  }
  for (const key of Object.keys(total)) total[key] += counts[key];
  const ran = counts.passed + counts.failed;
  const summary = countsTests.has(name) ? `, ${counts.passed} passed, ${counts.failed} failed` : '';
  const ok = result.status === 0 && counts.failed === 0 && (!countsTests.has(name) || ran > 0);
  console.log(
    `── ${name}: ${ok ? 'ok' : 'FAILED'}${summary} (${((Date.now() - started) / 1000).toFixed(1)} s)`,
  );
  if (!ok) {
    if (result.error !== undefined) console.error(result.error.message);
    else if (countsTests.has(name) && ran === 0) console.error(`No test ran in stage ${name}.`);
    failedStage = name;
    break;
  }
}
rmSync(scratch, { recursive: true, force: true });

const list = (/** @type {string} */ heading, /** @type {string[]} */ titles) => {
  if (titles.length > 0) console.log(`\n${heading}\n${titles.map((title) => `  - ${title}`).join('\n')}`);
};
list('Tried a second time:', retried);
list('Failed:', failures);
if (failedStage !== '') console.log(`\nStopped at stage ${failedStage}.`);
console.log(
  `\n${total.passed} passed, ${total.failed} failed${total.pending > 0 ? `, ${total.pending} pending` : ''}`,
);
process.exit(failedStage === '' ? 0 : 1);
