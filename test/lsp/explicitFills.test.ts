import assert from 'node:assert/strict';
import { CancellationTokenSource, ProgressType } from 'vscode-languageserver/node';
import type { FillProgress } from '../../server/src/protocol';
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

    it('gives new texts for every seed when it is asked for chance', async () => {
      await server.configure({ maxTokens: 8 });
      const text = 'function area(width: number, height: number) {\n  return width * height;\n}\n';
      const uri = await server.open(text);
      const texts = new Set<string>();
      for (const seed of [1, 2, 3]) {
        const params = { candidates: 4, seed, temperature: 1.5 };
        const result = await server.regenerate(uri, text.indexOf('width *'), text.indexOf(';\n'), params);
        if (result.kind !== 'filled') assert.fail(JSON.stringify(result));
        for (const candidate of result.candidates) texts.add(candidate.text);
      }
      assert.ok(texts.size > 4, [...texts].join(' | '));
    });

    it('fills what is between kept lines jointly, and leaves these as they are', async () => {
      await server.configure({ maxTokens: 8 });
      const text =
        'function area(a: number, b: number) {\r\n  const c = a;\r\n  log(a);\r\n  return c * b;\r\n}\r\n';
      const uri = await server.open(text);
      const kept = { start: { line: 2, character: 0 }, end: { line: 2, character: 9 } };
      const start = text.indexOf('  const');
      const end = text.indexOf('}');
      const result = await server.regenerate(uri, start, end, { keep: [kept] });
      if (result.kind !== 'filled') assert.fail(JSON.stringify(result));
      for (const candidate of result.candidates) {
        assert.equal(candidate.edits.length, 2);
        const filled = server.withEdits(uri, [...candidate.edits]);
        assert.equal(filled, text.slice(0, start) + candidate.text + text.slice(end));
        assert.ok(filled.includes('\r\n  log(a);\r\n'));
      }
    });

    it('refuses kept lines that leave nothing, and ranges that are no lines', async () => {
      const uri = await server.open('one();\ntwo();\n');
      const reasonFor = async (endOfKept: number): Promise<string> => {
        const keep = [{ start: { line: 0, character: 0 }, end: { line: 0, character: endOfKept } }];
        const result = await server.regenerate(uri, 0, 7, { keep });
        return result.kind === 'failed' ? result.reason : result.kind;
      };
      assert.match(await reasonFor(6), /Nothing is left to regenerate/);
      assert.match(await reasonFor(3), /not whole lines/);
      const wrong = await server.regenerate(uri, 0, 7, { keep: [{}] as never });
      assert.match(wrong.kind === 'failed' ? wrong.reason : '', /keep\[0\]\.start: expected a position/);
    });

    it('gives other candidates for another seed, also at temperature 0', async () => {
      await server.configure({ maxTokens: 8 });
      const text = 'const total = price * amount;\n';
      const uri = await server.open(text);
      const texts = new Set<string>();
      for (const seed of [0, 1, 2]) {
        const result = await server.regenerate(uri, 14, text.indexOf(';'), { candidates: 4, seed });
        if (result.kind !== 'filled') continue;
        for (const candidate of result.candidates) texts.add(candidate.text);
      }
      assert.ok(texts.size > 4, `only ${[...texts].join(' | ')}`);
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

  describe('progress', () => {
    it('is told to who asks for it, hole by hole, until the answer', async () => {
      await server.configure({ steps: 16, maxTokens: 16 });
      const uri = await server.open(twoHoles);
      const reports: FillProgress[] = [];
      const listening = server.connection.onProgress(new ProgressType<FillProgress>(), 'fill', (report) => {
        reports.push(report);
      });
      const result = await server.fillHoles(uri, { progressToken: 'fill' });
      listening.dispose();
      if (result.kind !== 'filled') assert.fail(JSON.stringify(result));
      assert.ok(reports.length > 0, 'nothing was reported');
      for (const { holes, fills } of reports) {
        assert.deepEqual(holes, result.holes);
        assert.equal(fills.length, 2);
      }
      assert.ok(reports.some(({ fills }) => fills.join('') !== ''));
    });

    it('of a selection names the holes around its kept lines', async () => {
      const uri = await server.open('one();\n  two();\nthree();\n');
      const kept = { start: { line: 1, character: 0 }, end: { line: 1, character: 8 } };
      const reports: FillProgress[] = [];
      const listening = server.connection.onProgress(new ProgressType<FillProgress>(), 7, (report) => {
        reports.push(report);
      });
      await server.regenerate(uri, 0, 25, { keep: [kept], progressToken: 7 });
      listening.dispose();
      assert.deepEqual(
        reports[0]?.holes.map(({ start, end }) => [start.line, end.line]),
        [
          [0, 0],
          [2, 2],
        ],
      );
    });
  });

  it('say where the model was unsure of each text', async () => {
    const uri = await server.open('// ⟦⟧\r\nconst value = ⟦⟧;\r\n');
    const result = await server.fillHoles(uri, { candidates: 3 });
    if (result.kind !== 'filled') assert.fail(JSON.stringify(result));
    for (const { edits, uncertain } of result.candidates) {
      assert.equal(uncertain.length, edits.length);
      for (const [i, spans] of uncertain.entries())
        for (const { start, end } of spans)
          assert.ok(start >= 0 && start < end && end <= (edits[i]?.newText.length ?? 0));
    }
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
