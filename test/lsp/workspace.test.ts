import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WORKSPACE_TRUSTED } from '../../server/src/protocol';
import { LanguageServer, type StartOptions } from './languageServer';

const ledger = `export interface LedgerEntry {
  readonly amountOfEntry: number;
}

export function totalOfEntries(entries: readonly LedgerEntry[]): number {
  return entries.reduce((sum, entry) => sum + entry.amountOfEntry, 0);
}
`;
const main = `import { totalOfEntries, type LedgerEntry } from './ledger';

const entries: LedgerEntry[] = [{ amountOfEntry: 3 }];
const total = totalOfEntries(entries);
console.log(`;

describe('workspace context', () => {
  let scratch = '';
  let folder = '';
  let model = '';

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'parafill-workspace-'));
    folder = join(scratch, 'folder');
    mkdirSync(join(folder, 'src'), { recursive: true });
    writeFileSync(join(folder, 'src', 'ledger.ts'), ledger);
    writeFileSync(join(folder, 'src', 'secret.ts'), ledger);
    // The first line is no rule, and must not be in the way of the second.
    writeFileSync(join(folder, '.gitignore'), 'foo[/bar\nsecret.ts\n');
    model = withFileShare('model', 0.25);
  });

  /** The shipped model, but for the part of the context that files may take. */
  function withFileShare(name: string, fileShare: number): string {
    const copy = join(scratch, name);
    cpSync('models/parafill-small', copy, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(copy, 'manifest.json'), 'utf8')) as object;
    writeFileSync(join(copy, 'manifest.json'), JSON.stringify({ ...manifest, fileShare }));
    return copy;
  }

  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  async function withServer(
    options: StartOptions,
    test: (server: LanguageServer) => Promise<void>,
  ): Promise<void> {
    const server = await LanguageServer.start({ args: ['--model', model], ...options });
    try {
      await server.ready();
      await test(server);
    } finally {
      await server.stop();
    }
  }

  const uriOf = (name: string): string => pathToFileURL(join(folder, 'src', name)).toString();
  const inFolder = (): string => pathToFileURL(folder).toString();

  /** How many pieces of other files the model is shown for a request at the end of a document. */
  async function chunksShown(server: LanguageServer, uri: string): Promise<number> {
    // Another line, so that nothing comes out of the cache.
    await server.type(uri, 0, '\n');
    await server.inlineCompletion(uri, server.document(uri).getText().length);
    const { effort, reason } = await server.lastOutcome();
    return effort?.chunks ?? assert.fail(reason);
  }

  /** Asks until there are some: files are read in the background. */
  async function untilShown(server: LanguageServer, uri: string): Promise<number> {
    for (;;) {
      const chunks = await chunksShown(server, uri);
      if (chunks > 0) return chunks;
    }
  }

  it('comes from open documents, unless the person wants none', async () => {
    await withServer({}, async (server) => {
      await server.open(ledger);
      const uri = await server.open(main);
      assert.ok((await untilShown(server, uri)) > 0);
      await server.configure({ workspaceContext: false });
      assert.equal(await chunksShown(server, uri), 0);
      await server.configure({});
      assert.ok((await untilShown(server, uri)) > 0);
    });
  });

  it('does not come from documents of other languages, excluded ones, and closed ones', async () => {
    await withServer({}, async (server) => {
      const uri = await server.open(main);
      await server.open(ledger, 'plaintext');
      await server.configure({ exclude: ['private.ts'] });
      await server.open(ledger, 'typescript', 'file:///workspace/private.ts');
      const closed = await server.open(ledger);
      await untilShown(server, uri);
      await server.close(closed);
      assert.equal(await chunksShown(server, uri), 0);
    });
  });

  it('comes from imported files of the workspace folder, but for those that git ignores', async () => {
    await withServer({ folder: inFolder(), trusted: true }, async (server) => {
      const uri = await server.open(main, 'typescript', uriOf('main.ts'));
      const shown = await untilShown(server, uri);
      await server.close(uri);
      const other = main.replace('./ledger', './secret').replace('import', "import './ledger';\nimport");
      // The ignored file has the same lines: were it read, there would be twice as many.
      assert.equal(
        await untilShown(server, await server.open(other, 'typescript', uriOf('other.ts'))),
        shown,
      );
    });
  });

  it('does not come from files that are not open in a workspace that is not trusted', async () => {
    await withServer({ folder: inFolder(), trusted: false }, async (server) => {
      // Nor from those of which only the folder knows whether git ignores them.
      await server.open(ledger, 'typescript', uriOf('ledger.ts'));
      const uri = await server.open(main, 'typescript', uriOf('main.ts'));
      for (let i = 0; i < 5; i++) assert.equal(await chunksShown(server, uri), 0);
      await server.connection.sendNotification(WORKSPACE_TRUSTED);
      assert.ok((await untilShown(server, uri)) > 0);
    });
  });

  it('is for models that know it only', async () => {
    await withServer({ args: ['--model', withFileShare('plain', 0)] }, async (server) => {
      await server.open(ledger);
      const uri = await server.open(main);
      for (let i = 0; i < 3; i++) assert.equal(await chunksShown(server, uri), 0);
    });
  });

  it('is recalled: words that stand in an open document only', async () => {
    await withServer({ args: ['--model', 'models/parafill-small'] }, async (server) => {
      const uri = await server.open('const ledger = 1;\nexport const zebra = \nexport default ledger;\n');
      const complete = async (): Promise<string> => {
        const at = server.document(uri).getText().indexOf('zebra = ') + 'zebra = '.length;
        const [item] = await server.inlineCompletion(uri, at);
        const text = item?.insertText ?? '';
        return typeof text === 'string' ? text : text.value;
      };
      assert.doesNotMatch(await complete(), /^paintStripes/);
      await server.open('export const zebra = paintStripes(quietSavannah);\n'.repeat(3));
      // Another line, so that nothing comes out of the cache; and what is new is read as far as there is time.
      for (let text = ''; !text.startsWith('paintStripes'); text = await complete()) {
        await server.type(uri, 0, '\n');
      }
      await server.configure({ workspaceContext: false });
      await server.type(uri, 0, '\n');
      assert.doesNotMatch(await complete(), /^paintStripes/);
    });
  });

  it('is never logged', async () => {
    await withServer({}, async (server) => {
      await server.open(ledger);
      await untilShown(server, await server.open(main));
      assert.ok(!server.logs.some((line) => line.includes('amountOfEntry')), server.logs.join('\n'));
    });
  });
});
