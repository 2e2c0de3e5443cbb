import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { GitIgnore } from '../../../server/src/features/gitIgnore';

describe('GitIgnore', () => {
  let root: string;
  let now = 0;
  let git: GitIgnore;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'parafill-ignore-'));
    git = new GitIgnore(() => now);
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  function write(...lines: string[]): void {
    writeFileSync(join(root, '.gitignore'), lines.join('\n'));
    // What was read of it is not believed any more.
    now += 60_000;
  }

  const isIgnored = (path: string): Promise<boolean> => git.isIgnored(root, join(root, path));

  it('follows the nearest file that says something', async () => {
    write('*.log', 'build/');
    mkdirSync(join(root, 'kept'));
    writeFileSync(join(root, 'kept/.gitignore'), '!a.log');
    assert.equal(await isIgnored('a.log'), true);
    assert.equal(await isIgnored('build/a.ts'), true);
    assert.equal(await isIgnored('kept/a.log'), false);
    assert.equal(await isIgnored('kept/b.log'), true);
    assert.equal(await isIgnored('a.ts'), false);
  });

  it('follows the files of the whole repository where only a part of it is open', async () => {
    write('*.log', 'app/secret/');
    for (const folder of ['.git', 'app', 'app/secret']) mkdirSync(join(root, folder));
    const part = join(root, 'app');
    assert.equal(await git.isIgnored(part, join(part, 'a.log')), true);
    assert.equal(await git.isIgnored(part, join(part, 'secret/a.ts')), true);
    assert.equal(await git.isIgnored(part, join(part, 'a.ts')), false);
    // Without a repository, what stands above an open folder is somebody else's.
    rmSync(join(root, '.git'), { recursive: true });
    assert.equal(await new GitIgnore(() => now).isIgnored(part, join(part, 'a.log')), false);
  });

  it('leaves out lines that are no rules, and follows the others', async () => {
    write('foo[/bar', '*.log', '[\\w-a]', '{+/|-', 'secret.ts');
    assert.equal(await isIgnored('a.log'), true);
    assert.equal(await isIgnored('secret.ts'), true);
    assert.equal(await isIgnored('a.ts'), false);
  });

  it('reads files with the line ends of Windows, too', async () => {
    write('*.log\r', 'secret.ts\r');
    assert.equal(await isIgnored('secret.ts'), true);
    assert.equal(await isIgnored('a.log'), true);
  });

  it('ends in time whatever the rules are', async () => {
    const path = `${'a'.repeat(60)}.ts`;
    write('*a'.repeat(12) + 'b', '**/*.log');
    assert.equal(await isIgnored(path), false);
    assert.equal(await isIgnored('deep/er/a.log'), true);
  });

  it('takes a path that the library does not understand for ignored', async () => {
    write('*.log');
    assert.equal(await isIgnored('.../a.ts'), true);
  });

  it('never throws', async () => {
    const characters = fc.constantFrom(...Array.from('ab/\\[]{}()*?!#-^$|+.,~ '));
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: characters, maxLength: 12 }), async (line) => {
        write(line);
        assert.equal(typeof (await isIgnored('a/b.ts')), 'boolean');
      }),
      { numRuns: 300 },
    );
  });
});
