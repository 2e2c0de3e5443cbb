import assert from 'node:assert/strict';
import { CancellationTokenSource, InlineCompletionTriggerKind } from 'vscode-languageserver/node';
import { LanguageServer } from './languageServer';

const automatic = { triggerKind: InlineCompletionTriggerKind.Automatic };

/** A repeated pattern with the cursor at `│`: what even a small model goes on with. */
const pattern = `import { readFile } from 'node:fs/promises';

export const first = await readFile('first.json', 'utf8');
export const second = await readFile('second.json', 'utf8');
export const third = await │
`;

function place(marked: string): { readonly text: string; readonly offset: number } {
  return { text: marked.replace('│', ''), offset: marked.indexOf('│') };
}

describe('textDocument/inlineCompletion', () => {
  let server: LanguageServer;

  before(async () => {
    server = await LanguageServer.start();
    await server.ready();
  });

  after(async () => {
    await server.stop();
  });

  it('is announced as LSP 3.18 says', () => {
    assert.equal(server.initialized.capabilities.inlineCompletionProvider, true);
  });

  it('answers the explicit trigger with candidates to cycle through', async () => {
    const { text, offset } = place(pattern);
    const uri = await server.open(text);
    const items = await server.inlineCompletion(uri, offset);
    const position = server.document(uri).positionAt(offset);
    assert.ok(items.length >= 1, JSON.stringify(await server.lastOutcome()));
    for (const { insertText, range } of items) {
      assert.ok(typeof insertText === 'string' && insertText.trim() !== '');
      assert.deepEqual(range, { start: position, end: position });
    }
    assert.equal(new Set(items.map((item) => item.insertText)).size, items.length);
  });

  it('answers while somebody types with one candidate, and goes on with it from the cache', async () => {
    const { text, offset } = place(pattern.replace('third', 'fourth'));
    const uri = await server.open(text);
    const [item] = await server.inlineCompletion(uri, offset, automatic);
    const outcome = await server.lastOutcome();
    assert.ok(item, JSON.stringify(outcome));
    assert.equal(outcome.kind, 'filled');
    assert.ok((outcome.effort?.contextTokens ?? 0) > 10);

    let rest = item.insertText as string;
    for (let typed = 1; rest.length > 1 && typed <= 4; typed++) {
      await server.type(uri, offset + typed - 1, rest.charAt(0));
      rest = rest.slice(1);
      const [next] = await server.inlineCompletion(uri, offset + typed, automatic);
      assert.equal(next?.insertText, rest);
      assert.equal((await server.lastOutcome()).kind, 'cached');
    }
  });

  it('reads only what is new after a keystroke', async () => {
    const { text, offset } = place(pattern.replace('third', 'fifth'));
    const uri = await server.open(text);
    await server.inlineCompletion(uri, offset, automatic);
    // A character that no suggestion starts with.
    await server.type(uri, offset, '§');
    await server.inlineCompletion(uri, offset + 1, automatic);
    const { effort } = await server.lastOutcome();
    assert.ok(effort, 'the model was run');
    assert.ok(effort.contextTokens - effort.reusedTokens < 16, JSON.stringify(effort));
  });

  it('goes on from the entry selected in the suggestion list', async () => {
    const { text, offset } = place('const list = [1, 2];\nlist.for│\n');
    const uri = await server.open(text);
    const document = server.document(uri);
    const range = { start: document.positionAt(offset - 3), end: document.positionAt(offset) };
    const items = await server.inlineCompletion(uri, offset, {
      selectedCompletionInfo: { range, text: 'forEach' },
    });
    for (const item of items) {
      assert.deepEqual(item.range, range);
      assert.ok((item.insertText as string).startsWith('forEach'));
      assert.ok((item.insertText as string).length > 'forEach'.length);
    }
  });

  it('drops the older request when a newer one comes', async () => {
    const { text, offset } = place(pattern.replace('third', 'sixth'));
    const uri = await server.open(text);
    const older = server.inlineCompletion(uri, offset, automatic);
    await server.type(uri, offset, 'r');
    const newer = server.inlineCompletion(uri, offset + 1, automatic);
    assert.deepEqual(await older, []);
    await newer;
    const outcome = await server.lastOutcome();
    assert.ok(['filled', 'empty'].includes(outcome.kind), JSON.stringify(outcome));
    assert.equal(outcome.version, 2);
  });

  it('stops when the editor cancels', async () => {
    const { text, offset } = place(pattern.replace('third', 'seventh'));
    const uri = await server.open(text);
    const source = new CancellationTokenSource();
    const answer = server.inlineCompletion(uri, offset, automatic, source.token);
    source.cancel();
    assert.deepEqual(await answer, []);
    assert.equal((await server.lastOutcome()).kind, 'cancelled');
  });

  it('explains why nothing is offered inside a merge conflict', async () => {
    const { text, offset } = place('<<<<<<< HEAD\nconst a = │\n=======\n>>>>>>> theirs\n');
    const uri = await server.open(text);
    assert.deepEqual(await server.inlineCompletion(uri, offset), []);
    const { kind, reason } = await server.lastOutcome();
    assert.equal(kind, 'skipped');
    assert.match(reason, /merge conflict/);
  });
});
