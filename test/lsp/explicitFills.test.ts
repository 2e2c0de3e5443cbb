import assert from 'node:assert/strict';
import { CancellationTokenSource } from 'vscode-languageserver/node';
import { LanguageServer } from './languageServer';

const twoHoles = `function add(⟦⟧) {
  return ⟦⟧;
}
`;
/** Enough work that something can happen in the middle of it. */
const slow = { steps: 64, maxTokens: 128, temperature: 1 };

describe('explicit fills', () => {
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

  describe('parafill/fillHoles', () => {
    it('fills two holes jointly and touches nothing else', async () => {
      const uri = await server.open(twoHoles);
      const result = await server.fillHoles(uri);
      if (result.kind !== 'filled') assert.fail(JSON.stringify(result));
      assert.equal(result.version, 1);
      const [candidate] = result.candidates;
      assert.ok(candidate);
      const [first, second] = candidate.edits;
      assert.equal(candidate.edits.length, 2);
      const expected = twoHoles
        .replace('⟦⟧', () => first?.newText ?? '')
        .replace('⟦⟧', () => second?.newText ?? '');
      assert.equal(server.withEdits(uri, [...candidate.edits]), expected);
      assert.equal(typeof candidate.parses, 'boolean');
      assert.ok(result.effort.steps >= 1);
    });

    it('fills given ranges, in document order', async () => {
      const uri = await server.open('const a = 1;\nconst b = 2;\n');
      const range = (line: number) => ({ start: { line, character: 10 }, end: { line, character: 11 } });
      const result = await server.fillHoles(uri, { holes: [range(1), range(0)] });
      if (result.kind !== 'filled') assert.fail(JSON.stringify(result));
      assert.deepEqual(result.holes, [range(0), range(1)]);
      const text = server.withEdits(uri, [...(result.candidates[0]?.edits ?? [])]);
      assert.match(text, /^const a = [^]*;\nconst b = [^]*;\n$/);
    });

    it('gives the same answer for the same seed', async () => {
      await server.configure({ temperature: 0.8, maxTokens: 8 });
      const uri = await server.open(twoHoles);
      const candidates = async (seed: number): Promise<unknown> => {
        const result = await server.fillHoles(uri, { seed });
        return result.kind === 'filled' ? result.candidates : result;
      };
      assert.deepEqual(await candidates(7), await candidates(7));
    });

    it('says that there is no marker', async () => {
      const uri = await server.open('const a = 1;\n');
      const result = await server.fillHoles(uri);
      if (result.kind !== 'empty') assert.fail(result.kind);
      assert.match(result.reason, /no hole marker ⟦⟧ in the document/);
    });
  });

  describe('parafill/regenerate', () => {
    it('gives other texts for the selection, each once', async () => {
      await server.configure({ temperature: 0.8, maxTokens: 8 });
      const text = 'function area(width: number, height: number) {\n  return width * height;\n}\n';
      const uri = await server.open(text);
      const start = text.indexOf('  return');
      const end = text.indexOf('}');
      const result = await server.regenerate(uri, start, end, { candidates: 4 });
      if (result.kind !== 'filled') assert.fail(JSON.stringify(result));
      const texts = result.candidates.map((candidate) => candidate.text);
      assert.ok(texts.length >= 1 && texts.length <= 4);
      assert.equal(new Set(texts).size, texts.length);
      for (const candidate of texts) {
        assert.notEqual(candidate, text.slice(start, end));
        // The indentation before and the line break after the selection are not the model's business.
        assert.ok(candidate.startsWith('  ') && candidate.endsWith('\n'));
      }
    });

    it('refuses an empty selection', async () => {
      const uri = await server.open('a');
      const result = await server.regenerate(uri, 0, 0);
      assert.deepEqual(result, {
        kind: 'failed',
        reason: 'The selection is empty; select the text to regenerate.',
      });
    });
  });

  describe('in the middle of a request', () => {
    /** A request that is under way in the inference process. */
    async function begin(source = new CancellationTokenSource()) {
      await server.configure(slow);
      const uri = await server.open(`${'const value = 1;\n'.repeat(60)}${twoHoles}`);
      const answer = server.fillHoles(uri, { candidates: 16 }, source.token);
      await server.until(() => server.status?.busy === true);
      return { uri, answer, source };
    }

    it('a cancel ends it, and the next one is answered', async () => {
      const { uri, answer, source } = await begin();
      source.cancel();
      assert.deepEqual(await answer, { kind: 'cancelled', reason: 'The editor cancelled the request.' });
      await server.configure({});
      assert.equal((await server.fillHoles(uri)).kind, 'filled');
    });

    it('a change of the document makes it stale', async () => {
      const { uri, answer } = await begin();
      await server.type(uri, 0, ' ');
      const result = await answer;
      if (result.kind !== 'stale') assert.fail(JSON.stringify(result));
      assert.deepEqual([result.requestedVersion, result.currentVersion], [1, 2]);
    });

    it('the same request takes its place', async () => {
      const { uri, answer } = await begin();
      await server.configure({});
      const next = server.fillHoles(uri);
      assert.equal((await answer).kind, 'cancelled');
      assert.equal((await next).kind, 'filled');
    });

    it('SIGKILL of the inference process fails it, and the next one is answered', async () => {
      const { uri, answer } = await begin();
      const { inferencePid } = await server.getStatus();
      assert.ok(inferencePid !== undefined);
      process.kill(inferencePid, 'SIGKILL');
      const result = await answer;
      assert.match(result.kind === 'failed' ? result.reason : '', /ended unexpectedly \(signal SIGKILL\)/);

      await server.configure({});
      assert.equal((await server.fillHoles(uri)).kind, 'filled');
      const status = await server.getStatus();
      assert.equal(status.kind, 'ready');
      assert.notEqual(status.inferencePid, inferencePid);
    });
  });
});
