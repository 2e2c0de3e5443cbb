import assert from 'node:assert/strict';
import type { FillHolesResult, RegenerateResult } from '../../server/src/protocol';
import { FILL_HOLES, REGENERATE } from '../../server/src/protocol';
import { LanguageServer } from './languageServer';

describe('bad input', () => {
  let server: LanguageServer;

  before(async () => {
    server = await LanguageServer.start();
    await server.ready();
  });

  after(async () => {
    await server.stop();
  });

  // Whatever came before: the next request works.
  afterEach(async () => {
    const uri = await server.open('const answer = ⟦⟧;\n');
    assert.equal((await server.fillHoles(uri)).kind, 'filled');
  });

  const megabytes = 'const value = compute(1, 2, 3);\n'.repeat(160_000);
  const documents: readonly (readonly [name: string, text: string, offset: number])[] = [
    ['an empty file', '', 0],
    ['CRLF', 'const a = 1;\r\nconst b = \r\n', 24],
    ['emoji', 'const faces = "😀😀";\nconst a = \n', 32],
    ['a lone surrogate', 'const broken = "\ud83d";\nconst a = \n', 30],
    ['5 MB', megabytes, megabytes.length / 2],
    ['5 MB on one line', 'x'.repeat(5_000_000), 2_500_000],
  ];
  for (const [name, text, offset] of documents) {
    it(`completes in ${name}`, async () => {
      const uri = await server.open(text);
      const items = await server.inlineCompletion(uri, offset);
      const outcome = await server.lastOutcome();
      assert.ok(['filled', 'empty'].includes(outcome.kind), JSON.stringify(outcome));
      assert.equal(items.length > 0, outcome.kind === 'filled');
      for (const { insertText } of items) {
        assert.doesNotMatch(insertText as string, /\p{Surrogate}|\ufffd/u);
        if (name === 'CRLF') assert.doesNotMatch(insertText as string, /(?<!\r)\n/);
      }
    });

    it(`fills a hole in ${name} and keeps every other character`, async () => {
      const marked = `${text.slice(0, offset)}⟦⟧${text.slice(offset)}`;
      const uri = await server.open(marked);
      const result = await server.fillHoles(uri);
      // Nothing is a fill, too, where nothing is missing.
      if (result.kind === 'empty') return;
      if (result.kind !== 'filled') assert.fail(JSON.stringify(result));
      const [edit] = result.candidates[0]?.edits ?? [];
      assert.ok(edit);
      const filled = server.withEdits(uri, [edit]);
      assert.equal(filled, text.slice(0, offset) + edit.newText + text.slice(offset));
    });
  }

  it('takes a cursor beyond the end for one at the end, and says so', async () => {
    const uri = await server.open('const a = 1;\n');
    await server.inlineCompletion(uri, { line: 7, character: 3 });
    const { kind, reason } = await server.lastOutcome();
    assert.ok(['filled', 'empty'].includes(kind));
    assert.match(reason, /The cursor 8:4 is beyond the text; 2:1 was taken instead/);
  });

  it('says that the cursor is inside a character', async () => {
    const uri = await server.open('"😀"');
    assert.deepEqual(await server.inlineCompletion(uri, 2), []);
    assert.match((await server.lastOutcome()).reason, /inside a character/);
  });

  it('says that the version is stale', async () => {
    const uri = await server.open('f(⟦⟧);\n');
    await server.type(uri, 0, ' ');
    const holes = await server.fillHoles(uri, { textDocument: { uri, version: 1 } });
    assert.equal(holes.kind, 'stale');
    const selection = await server.regenerate(uri, 0, 1, { textDocument: { uri, version: 3 } });
    if (selection.kind !== 'stale') assert.fail(JSON.stringify(selection));
    assert.match(selection.reason, /about version 3, but the document is at version 2/);
    assert.deepEqual([selection.requestedVersion, selection.currentVersion], [3, 2]);
  });

  it('says that a document is not open', async () => {
    const textDocument = { uri: 'file:///nowhere', version: 1 };
    const result = await server.request<FillHolesResult>(FILL_HOLES, { textDocument });
    assert.deepEqual(result, {
      kind: 'failed',
      reason: 'The document file:///nowhere is not open in the server.',
    });
  });

  const position = { line: 0, character: 0 };
  const wrong: readonly (readonly [method: string, rest: object, reason: RegExp])[] = [
    [FILL_HOLES, { textDocument: undefined }, /textDocument\.uri: expected a string, got nothing/],
    [FILL_HOLES, { holes: 'all' }, /holes: expected an array of ranges, got "all"/],
    [FILL_HOLES, { holes: [{ start: position }] }, /holes\[0\]\.end: expected a position/],
    [FILL_HOLES, { holes: [{ start: { line: -1, character: 0 }, end: position }] }, /holes\[0\]\.start/],
    [FILL_HOLES, { holes: [{ start: position, end: { line: 9, character: 0 } }] }, /beyond the document/],
    [FILL_HOLES, { candidates: 0 }, /candidates: expected a whole number from 1 to 16, got 0/],
    [FILL_HOLES, { seed: 'x' }, /seed: expected a whole number/],
    [
      REGENERATE,
      { range: { start: position, end: position }, temperature: 3 },
      /temperature: expected a number from 0 to 2, got 3/,
    ],
    [REGENERATE, {}, /range\.start: expected a position \{line, character\}, got nothing/],
    [REGENERATE, { range: { start: { line: 0, character: 3 }, end: position } }, /ends before it starts/],
  ];
  for (const [method, rest, reason] of wrong) {
    it(`refuses ${method} with ${JSON.stringify(rest)}`, async () => {
      const uri = await server.open('const a = 1;\n');
      const result = await server.request<FillHolesResult | RegenerateResult>(method, {
        textDocument: { uri, version: 1 },
        ...rest,
      });
      if (result.kind !== 'failed') assert.fail(JSON.stringify(result));
      assert.match(result.reason, reason);
    });
  }

  it('refuses overlapping holes', async () => {
    const uri = await server.open('const a = 1;\n');
    const hole = (start: number, end: number) => ({
      start: { line: 0, character: start },
      end: { line: 0, character: end },
    });
    const result = await server.fillHoles(uri, { holes: [hole(0, 5), hole(3, 8)] });
    assert.match(result.kind === 'failed' ? result.reason : '', /before the previous one ends/);
  });
});
