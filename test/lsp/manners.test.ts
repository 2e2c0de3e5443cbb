import assert from 'node:assert/strict';
import { InlineCompletionTriggerKind } from 'vscode-languageserver/node';
import { LanguageServer } from './languageServer';

const automatic = { triggerKind: InlineCompletionTriggerKind.Automatic };

describe('manners', () => {
  let server: LanguageServer;

  before(async () => {
    server = await LanguageServer.start();
    await server.ready();
  });

  after(async () => {
    await server.stop();
  });

  afterEach(async () => {
    await server.configure({});
  });

  it('leaves excluded files alone, but answers when asked', async () => {
    await server.configure({ exclude: ['workspace/document*'] });
    const uri = await server.open('const a = ');
    assert.deepEqual(await server.inlineCompletion(uri, 10, automatic), []);
    assert.match((await server.lastOutcome()).reason, /excluded by "workspace\/document\*"/);
    await server.inlineCompletion(uri, 10);
    assert.ok(['filled', 'empty'].includes((await server.lastOutcome()).kind));
  });

  it('leaves comments alone when told to', async () => {
    await server.configure({ completeInComments: false });
    const uri = await server.open('// Adds two \nconst a = \n');
    assert.deepEqual(await server.inlineCompletion(uri, 12, automatic), []);
    assert.match((await server.lastOutcome()).reason, /in a comment/);
    await server.inlineCompletion(uri, 23, automatic);
    assert.ok(['filled', 'empty'].includes((await server.lastOutcome()).kind));
  });

  describe('in a notebook', () => {
    const notebook = 'file:///workspace/book.ipynb';
    const cell = (name: string) => `vscode-notebook-cell:/workspace/book.ipynb#${name}`;

    async function openNotebook(cells: readonly (readonly [kind: 1 | 2, language: string, text: string])[]) {
      await server.connection.sendNotification('notebookDocument/didOpen', {
        notebookDocument: {
          uri: notebook,
          notebookType: 'jupyter-notebook',
          version: 1,
          cells: cells.map(([kind], i) => ({ kind, document: cell(`c${i}`) })),
        },
        cellTextDocuments: cells.map(([, languageId, text], i) => ({
          uri: cell(`c${i}`),
          languageId,
          version: 1,
          text,
        })),
      });
    }

    async function contextTokens(uri: string, character: number): Promise<number> {
      await server.inlineCompletion(uri, { line: 0, character });
      const outcome = await server.lastOutcome();
      assert.equal(outcome.uri, uri);
      assert.ok(outcome.effort, JSON.stringify(outcome));
      return outcome.effort.contextTokens;
    }

    afterEach(async () => {
      await server.connection.sendNotification('notebookDocument/didClose', {
        notebookDocument: { uri: notebook },
        cellTextDocuments: [],
      });
    });

    it('the code cells above are read, and nothing else', async () => {
      const code = 'import numpy as np\nvalues = np.array([1, 2, 3])\n';
      await openNotebook([
        [2, 'python', 'total = '],
        [1, 'markdown', 'Some words about it. '.repeat(20)],
        [2, 'python', code],
        [2, 'r', 'other <- c(1, 2, 3)\n'.repeat(20)],
        [2, 'python', 'total = '],
        [2, 'python', code.repeat(5)],
      ]);
      const first = await contextTokens(cell('c0'), 8);
      const later = await contextTokens(cell('c4'), 8);
      assert.ok(later > first + 10 && later < first + 80, `${first} and ${later} tokens`);
    });

    it('items stand where the cursor is in its cell', async () => {
      await openNotebook([
        [2, 'python', 'first = load("first.json")\nsecond = load("second.json")\n'],
        [2, 'python', 'third = '],
      ]);
      const items = await server.inlineCompletion(cell('c1'), { line: 0, character: 8 });
      const position = { line: 0, character: 8 };
      for (const { range } of items) assert.deepEqual(range, { start: position, end: position });
      assert.ok(items.length > 0, JSON.stringify(await server.lastOutcome()));
    });
  });
});
