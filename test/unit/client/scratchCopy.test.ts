import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  createScratchCopy,
  removeStaleCopies,
  type ScratchCopy,
  type UnsavedFile,
} from '../../../client/src/check/scratchCopy';

const going = new AbortController().signal;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('createScratchCopy', () => {
  let scratch = '';
  let project = '';
  let parent = '';

  beforeEach(() => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), 'parafill-test-copy-')));
    project = join(scratch, 'project');
    parent = join(scratch, 'tmp');
    mkdirSync(parent);
    write('.gitignore', 'node_modules\n.env\n.venv\ndist\n*.log\n');
    write('src/main.ts', 'committed\n');
    write('src/old.ts', 'old\n');
    write('src/untouched.ts', 'untouched\r\n');
    write('packages/b/index.js', 'module.exports = "original b";\n');
  });

  afterEach(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }

  function git(...args: readonly string[]): string {
    const identity = ['-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main'];
    return execFileSync('git', [...identity, ...args], { cwd: project, encoding: 'utf8' });
  }

  function commit(): void {
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '--message', 'first');
  }

  /** What a person has after working for a while: changed, new, deleted and ignored files, and dependencies. */
  function work(): void {
    write('src/main.ts', 'changed\n');
    write('src/new.ts', 'new\n');
    write('.env', 'KEY=1\n');
    write('dist/bundle.js', 'built\n');
    write('huge.log', 'x'.repeat(300_000));
    rmSync(join(project, 'src/old.ts'));
    write('node_modules/dep/index.js', 'module.exports = "dep";\n');
    write('node_modules/.cache/some', 'cache\n');
    mkdirSync(join(project, 'node_modules/@mine'));
    symlinkSync('../../packages/b', join(project, 'node_modules/@mine/b'));
    write('.venv/pyvenv.cfg', 'home = /usr\n');
  }

  async function create(folder = project, unsaved: readonly UnsavedFile[] = []): Promise<ScratchCopy> {
    const copy = await createScratchCopy(folder, unsaved, going, parent);
    assert.ok(copy);
    return copy;
  }

  const kinds = [
    ['a git repository', 'worktree', commit],
    ['a folder without version control', 'copy', () => undefined],
    ['a repository without a commit', 'copy', () => void git('init', '--quiet')],
  ] as const;
  for (const [name, kind, begin] of kinds) {
    it(`is what the person sees, of ${name}`, async () => {
      begin();
      work();
      const copy = await create(project, [{ path: 'src/new.ts', content: bytes('not saved\n') }]);
      const read = (path: string): string => readFileSync(join(copy.folder, path), 'utf8');
      assert.equal(copy.kind, kind);
      assert.equal(read('src/main.ts'), 'changed\n');
      assert.equal(read('src/new.ts'), 'not saved\n');
      assert.equal(read('src/untouched.ts'), 'untouched\r\n');
      assert.equal(read('.env'), 'KEY=1\n');
      assert.equal(existsSync(join(copy.folder, 'src/old.ts')), false);
      assert.equal(existsSync(join(copy.folder, 'dist')), false, 'build output stays behind');
      assert.equal(readFileSync(join(project, 'src/new.ts'), 'utf8'), 'new\n');
      await copy.dispose();
    });

    it(`uses the dependencies of ${name}, but its own packages`, async () => {
      begin();
      work();
      const copy = await create();
      await copy.write('packages/b/index.js', bytes('module.exports = "candidate b";\n'));
      const script = 'console.log(require("dep"), require("@mine/b"))';
      const printed = execFileSync(process.execPath, ['-e', script], { cwd: copy.folder, encoding: 'utf8' });
      assert.equal(printed, 'dep candidate b\n');
      assert.equal(existsSync(join(copy.folder, 'node_modules/.cache')), false);
      assert.ok(lstatSync(join(copy.folder, '.venv')).isSymbolicLink());
      assert.match(copy.environment['PYTHONPATH'] ?? '', new RegExp(`^${join(copy.folder, 'src')}:`));
      await copy.dispose();
      assert.equal(
        readFileSync(join(project, 'node_modules/dep/index.js'), 'utf8'),
        'module.exports = "dep";\n',
      );
      assert.ok(existsSync(join(project, '.venv/pyvenv.cfg')), 'links are not followed when the copy goes');
    });

    it(`leaves no trace of itself in ${name}`, async () => {
      begin();
      work();
      const status = (): string => (existsSync(join(project, '.git')) ? git('status', '--porcelain') : '');
      const before = status();
      const copy = await create();
      await copy.write('src/main.ts', bytes('candidate\n'));
      writeFileSync(join(copy.folder, 'made-by-the-check'), '');
      assert.equal(status(), before);
      await copy.dispose();
      assert.equal(status(), before);
      assert.equal(readFileSync(join(project, 'src/main.ts'), 'utf8'), 'changed\n');
      assert.deepEqual(readdirSync(parent), []);
      if (kind === 'worktree') assert.equal(git('worktree', 'list').trim().split('\n').length, 1);
    });
  }

  it('never writes behind a link that leads out of it', async () => {
    commit();
    work();
    const copy = await create();
    for (const path of ['node_modules/dep/index.js', '.venv/pyvenv.cfg', '../outside', '.venv/new/file'])
      await assert.rejects(copy.write(path, bytes('candidate')), /not a file of the project itself/);
    assert.equal(
      readFileSync(join(project, 'node_modules/dep/index.js'), 'utf8'),
      'module.exports = "dep";\n',
    );
    assert.equal(existsSync(join(project, '.venv/new')), false);
    await copy.dispose();
  });

  it('replaces a link instead of writing through it', async () => {
    symlinkSync(join(project, 'src/main.ts'), join(project, 'src/link.ts'));
    commit();
    const copy = await create();
    await copy.write('src/link.ts', bytes('candidate\n'));
    assert.equal(readFileSync(join(project, 'src/main.ts'), 'utf8'), 'committed\n');
    await copy.dispose();
  });

  it('of a package in a monorepo sees what is installed above it', async () => {
    commit();
    work();
    const copy = await create(join(project, 'packages/b'));
    const args = ['-e', 'console.log(require("dep"))'];
    const printed = execFileSync(process.execPath, args, { cwd: copy.folder, encoding: 'utf8' });
    assert.equal(printed, 'dep\n');
    assert.ok(copy.folder.endsWith(join('packages', 'b')));
    await copy.dispose();
  });

  it('of an untracked folder inside somebody else’s repository is a plain copy', async () => {
    commit();
    write('inner/a.txt', 'a\n');
    const copy = await create(join(project, 'inner'));
    assert.equal(copy.kind, 'copy');
    assert.deepEqual(readdirSync(copy.folder), ['a.txt']);
    await copy.dispose();
  });

  it('runs no hook', async () => {
    commit();
    const hook = join(project, '.git/hooks/post-checkout');
    mkdirSync(dirname(hook), { recursive: true });
    writeFileSync(hook, `#!/bin/sh\ntouch ${join(scratch, 'hooked')}\n`);
    chmodSync(hook, 0o755);
    const copy = await create();
    assert.equal(existsSync(join(scratch, 'hooked')), false);
    await copy.dispose();
  });

  it('is none when it was cancelled, and leaves nothing behind', async () => {
    commit();
    const homes = (): string[] => readdirSync(parent);
    const moments: readonly (() => boolean)[] = [
      () => true,
      () => homes().length > 0,
      () => homes().some((home) => existsSync(join(parent, home, 'work'))),
      () => homes().some((home) => existsSync(join(parent, home, 'work/src/main.ts'))),
    ];
    for (const isMoment of moments) {
      const abort = new AbortController();
      const done = new Set<string>();
      const making = createScratchCopy(project, [], abort.signal, parent).finally(() => done.add('making'));
      while (!isMoment() && done.size === 0) await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      const copy = await making;
      await copy?.dispose();
      assert.deepEqual(homes(), []);
      assert.equal(git('worktree', 'list').trim().split('\n').length, 1);
    }
  });

  it('of a program that crashed is removed at the next use, and one in use is not', async () => {
    commit();
    work();
    const [crashed, used] = [await create(), await create()];
    const owner = join(crashed.folder, '../owner.json');
    const { pid } = spawnSync('true');
    writeFileSync(owner, JSON.stringify({ ...(JSON.parse(readFileSync(owner, 'utf8')) as object), pid }));
    const failures: string[] = [];
    await removeStaleCopies((reason) => failures.push(reason), parent);
    assert.deepEqual(failures, []);
    assert.equal(existsSync(crashed.folder), false);
    assert.ok(existsSync(used.folder));
    assert.equal(git('worktree', 'list').trim().split('\n').length, 2);
    assert.ok(existsSync(join(project, 'node_modules/dep/index.js')));
    await used.dispose();
  });

  it('removes folders that a check made read-only', async () => {
    const copy = await create();
    mkdirSync(join(copy.folder, 'locked/inside'), { recursive: true });
    writeFileSync(join(copy.folder, 'locked/inside/file'), '');
    for (const folder of ['locked/inside', 'locked']) chmodSync(join(copy.folder, folder), 0o500);
    await copy.dispose();
    assert.equal(existsSync(copy.folder), false);
  });
});
