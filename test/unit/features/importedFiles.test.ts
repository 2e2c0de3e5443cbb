import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { turn } from '../../../server/src/base/async';
import type { SourceFile } from '../../../server/src/completion/workspace/sourceFile';
import { GitIgnore } from '../../../server/src/features/gitIgnore';
import { ImportedFiles } from '../../../server/src/features/importedFiles';

const small = 'export const answer = 42;\n';

describe('ImportedFiles', () => {
  let outside: string;
  let root: string;

  before(async () => {
    outside = await realpath(await mkdtemp(join(tmpdir(), 'parafill-imports-')));
    root = join(outside, 'workspace');
    const files: Record<string, string> = {
      'workspace/src/main.ts': '',
      'workspace/src/plain.ts': small,
      'workspace/src/windows.ts': 'const a = 1;\r\nconst b = 2;\r\n',
      'workspace/src/folder/index.ts': small,
      'workspace/src/huge.ts': 'x'.repeat(200_000),
      'workspace/src/secret.ts': small,
      'workspace/src/kept.secret.ts': small,
      'workspace/build/generated.ts': small,
      'workspace/.gitignore': '/build/\n*.secret.ts\n',
      'workspace/src/.gitignore': 'secret.ts\n!kept.secret.ts\n',
      'outside.ts': small,
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(outside, path)), { recursive: true });
      await writeFile(join(outside, path), text);
    }
    await symlink(join(outside, 'outside.ts'), join(root, 'src', 'link.ts'));
    await mkdir(join(root, 'src', 'directory.ts'));
  });

  after(() => rm(outside, { recursive: true, force: true }));

  /** What is known of a text's imports once they are read; `./plain` is always among them. */
  async function readImports(modules: readonly string[]): Promise<readonly SourceFile[]> {
    const git = new GitIgnore(() => 0);
    const imported = new ImportedFiles(
      async (folder, path) => !(await git.isIgnored(folder, path)),
      () => 0,
    );
    const text = ['./plain', ...modules].map((name) => `import '${name}';\n`).join('');
    for (;;) {
      const files = imported.filesFor(root, join(root, 'src', 'main.ts'), 'typescript', text);
      if (files.length > 0) return files.filter(({ path }) => !path.endsWith('/plain.ts'));
      await turn();
    }
  }

  const shown: readonly (readonly [module: string, path: string])[] = [
    ['./folder', 'src/folder/index.ts'],
    ['./folder/index.js', 'src/folder/index.ts'],
    ['./kept.secret', 'src/kept.secret.ts'],
  ];
  for (const [module, path] of shown) {
    it(`reads ${path} for ${module}`, async () => {
      const files = await readImports([module]);
      assert.deepEqual(
        files.map((file) => ({ ...file, path: file.path.slice(root.length + 1) })),
        [{ path, text: small, imported: true }],
      );
    });
  }

  const hidden: readonly (readonly [module: string, why: string])[] = [
    ['./nothing', 'is not there'],
    ['./directory', 'is a folder'],
    ['./huge', 'is too large'],
    ['./secret', 'is ignored by the .gitignore beside it'],
    ['../build/generated', 'is in a folder that is ignored further up'],
    ['../../outside', 'lies outside of the workspace'],
    ['./link', 'is a link to the outside'],
  ];
  for (const [module, why] of hidden) {
    it(`leaves out ${module}: it ${why}`, async () => {
      assert.deepEqual(await readImports([module]), []);
    });
  }

  it('gives text with one kind of line end', async () => {
    const [file] = await readImports(['./windows']);
    assert.equal(file?.text, 'const a = 1;\nconst b = 2;\n');
    assert.ok(!file.path.includes(sep === '/' ? '\\' : sep));
  });

  it('sees changes, and gives the same object where there are none', async () => {
    let ms = 0;
    const imported = new ImportedFiles(
      () => Promise.resolve(true),
      () => ms,
    );
    const ask = (): SourceFile | undefined =>
      imported.filesFor(root, join(root, 'src', 'main.ts'), 'typescript', "import './changing';")[0];
    await writeFile(join(root, 'src', 'changing.ts'), small);
    const until = async (
      isSo: (file: SourceFile | undefined) => boolean,
    ): Promise<SourceFile | undefined> => {
      for (;;) {
        ms += 10_000;
        const file = ask();
        if (isSo(file)) return file;
        await turn();
      }
    };
    const first = await until((file) => file !== undefined);
    assert.equal(ask(), first);
    await writeFile(join(root, 'src', 'changing.ts'), `${small}// more\n`);
    // In between the file may be empty: it is written in two steps.
    await until((file) => file?.text === `${small}// more\n`);
    assert.notEqual(ask(), first);
  });
});
