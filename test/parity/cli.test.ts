import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { ModelCopy } from './damagedModel';
import { modelPath } from './shippedModel';

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const model = ['--model', resolve(modelPath), '--threads', '2'];

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [resolve('dist/cli.js'), ...args], { stdio: 'pipe' });
}

async function run(args: readonly string[], input = ''): Promise<Run> {
  const child = start(args);
  child.stdin!.on('error', () => undefined).end(input);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, out, err };
}

const lines = (out: string): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

interface Answer {
  readonly id: unknown;
  readonly candidates: readonly {
    readonly fills: readonly string[];
    readonly score: number;
    readonly parses: boolean | null;
  }[];
  readonly steps: number;
  readonly timings: Readonly<Record<string, number>>;
}

describe('infill --jsonl', () => {
  const ask = async (requests: readonly unknown[], options: readonly string[] = []): Promise<Answer[]> => {
    const input = requests.map((request) => JSON.stringify(request)).join('\n');
    const { code, out, err } = await run(['infill', '--jsonl', ...model, ...options], input);
    assert.equal(code, 0, err);
    return lines(out) as unknown as Answer[];
  };

  it('answers each request on a line of its own, in order', async () => {
    const answers = await ask(
      [
        { id: 'one', language: 'typescript', segments: ['let a = ', ';\n'], maxTokens: 16, note: 'ignored' },
        { id: 2, language: 'python', segments: ['def f(', '):\n    return ', '\n'], maxTokens: 16 },
      ],
      ['--candidates', '3', '--steps', '2'],
    );
    assert.deepEqual(answers.map(({ id }) => id), ['one', 2]); // prettier-ignore
    for (const [i, { candidates, steps, timings }] of answers.entries()) {
      assert.ok(candidates.length >= 1 && candidates.length <= 3);
      assert.ok(steps <= 2);
      for (const { fills, score, parses } of candidates) {
        assert.equal(fills.length, i + 1);
        assert.equal(typeof score, 'number');
        assert.equal(typeof parses, 'boolean');
      }
      const byRank = candidates.map(({ parses, score }) => [Number(parses), score] as const);
      assert.deepEqual(byRank, [...byRank].sort((a, b) => b[0] - a[0] || b[1] - a[1])); // prettier-ignore
      for (const name of ['encodeMs', 'denoiseMs', 'totalMs']) assert.ok(timings[name]! >= 0);
    }
  });

  it('gives the same answers to the same seed, and others to another', async () => {
    const request = { id: 1, language: 'typescript', segments: ['const value = ', ';\n'] };
    const fills = async (seed: string): Promise<unknown> =>
      (await ask([request], ['--temperature', '1', '--candidates', '4', '--seed', seed]))[0]!.candidates;
    const first = await fills('5');
    assert.deepEqual(await fills('5'), first);
    assert.notDeepEqual(await fills('6'), first);
  });

  it('reads token by token on demand', async () => {
    const request = { id: 1, language: 'typescript', segments: ['const value = ', ';\n'], maxTokens: 5 };
    const [answer] = await ask([request], ['--mode', 'ar']);
    assert.ok(answer!.steps >= 1 && answer!.steps <= 5);
  });

  it('answers broken lines with what is wrong with them, and goes on', async () => {
    const input = [
      '{"id": "a", "segments": ["x", ""], "maxTokens": 4, "language": "css"}',
      '',
      '{"id": "b", ',
      '[1, 2]',
      '{"id": "c", "segments": ["only one"]}',
      '{"id": "d", "segments": ["x", "y"], "maxTokens": 0}',
      '{"id": "e", "segments": ["", ""], "maxTokens": 10000, "language": "no such language"}',
    ].join('\n');
    const { code, out } = await run(['infill', '--jsonl', '--steps', '2', ...model], input);
    assert.equal(code, 0);
    const answers = lines(out);
    assert.deepEqual(answers.map(({ id }) => id), ['a', null, null, 'c', 'd', 'e']); // prettier-ignore
    assert.match(String(answers[1]!['error']), /^line 3: .*JSON/);
    assert.match(String(answers[2]!['error']), /^line 4: expected a JSON object, found \[1,2\]/);
    assert.match(
      String(answers[3]!['error']),
      /^line 5: expected "segments" to be a list of at least 2 strings/,
    );
    assert.match(String(answers[4]!['error']), /^line 6: maxTokens: expected a whole number from 1/);
    assert.ok('candidates' in answers[0]! && 'candidates' in answers[5]!);
  });

  it('copes with CRLF, emoji, a lone surrogate and five megabytes', async () => {
    const huge = 'const filler = "text that goes on";\n'.repeat(140_000);
    const answers = await ask([
      { id: 'crlf', language: 'python', segments: ['def f():\r\n    return ', '\r\n\r\nprint(f())\r\n'] },
      { id: 'emoji', language: 'typescript', segments: ['const face = "🙂', '🙃";\n'] },
      { id: 'surrogate', language: 'typescript', segments: ['const half = "\ud83d', '";\n'] },
      { id: 'huge', language: 'typescript', segments: [huge, `\n${huge}`] },
    ]);
    for (const { id, candidates } of answers) assert.equal(candidates[0]?.fills.length, 1, String(id));
    for (const { fills } of answers[0]!.candidates)
      assert.ok(!/(?<!\r)\n/.test(fills[0]!), 'a line end without CR');
    assert.equal(answers[3]!.candidates[0]!.parses, null);
  });

  it('ends quietly when its reader has seen enough', async () => {
    const child = start(['infill', '--jsonl', ...model]);
    const request = `${JSON.stringify({ id: 1, language: 'css', segments: ['a {', '}'], maxTokens: 4 })}\n`;
    child.stdin!.on('error', () => undefined);
    child.stdin!.write(request);
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    child.stdin!.end(request.repeat(5));
    const [err, [code]] = await Promise.all([text(child.stderr!), once(child, 'close') as Promise<[number]>]);
    assert.equal(code, 0);
    assert.equal(err, '');
  });

  it('fails as a whole when the model cannot be used', async () => {
    const copy = new ModelCopy();
    try {
      copy.write('model.onnx', 'short');
      const { code, out, err } = await run(['infill', '--jsonl', '--model', copy.path], '{}\n');
      assert.equal(code, 1);
      assert.equal(out, '');
      assert.match(err, /model\.onnx: expected \d+ bytes, as manifest\.json says, but found 5/);
    } finally {
      copy.dispose();
    }
  });

  const wrong: [args: string[], message: RegExp][] = [
    [['infill'], /expected --jsonl/],
    [['infill', '--jsonl', '--steps', 'many'], /--steps: expected a whole number from 1 to 1024, got "many"/],
    [
      ['infill', '--jsonl', '--mode', 'magic'],
      /--mode: expected "diffusion" or "ar" or "both" or "verify", got/,
    ],
    [['infill', '--jsonl', '--no-such-option'], /--no-such-option/],
    [['fill', 'a', 'b'], /expected one file, got 2/],
    [['no-such-command'], /npm start/],
  ];
  for (const [args, message] of wrong) {
    it(`explains itself when called as "${args.join(' ')}"`, async () => {
      const { code, err } = await run(args);
      assert.equal(code, 2);
      assert.match(err, message);
    });
  }
});

describe('fill', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parafill-cli-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it('fills the sample when no file is named', async () => {
    const { code, out } = await run(['fill', '--max-tokens', '8', ...model]);
    assert.equal(code, 0);
    assert.match(out, /Before: examples\/sample\.ts, 4 holes/);
    assert.match(out, /After/);
    assert.match(out, /\d steps, \d+ ms/);
  });

  it('prints one JSON object on the last line', async () => {
    const path = file('a.py', 'def f():\n    return ⟦8⟧\n');
    const { code, out } = await run(['fill', path, '--json', ...model]);
    assert.equal(code, 0);
    const found = lines(out).at(-1) as {
      after: string;
      language: string;
      holes: number;
      candidates: { fills: string[] }[];
    };
    assert.equal(found.language, 'python');
    assert.equal(found.holes, 1);
    assert.equal(found.after, `def f():\n    return ${found.candidates[0]!.fills[0]!}\n`);
  });

  it('changes nothing but the holes, line ends and byte order mark included', async () => {
    const before = '\ufeffconst a = 1;\r\nconst b = ⟦⟧;\r\n\r\nconst c = "é🙂";\r\n';
    const path = file('a.ts', before);
    const { code } = await run(['fill', path, '--write', '--max-tokens', '8', ...model]);
    assert.equal(code, 0);
    const after = readFileSync(path, 'utf8');
    const [head, tail] = before.split('⟦⟧') as [string, string];
    assert.ok(after.startsWith(head) && after.endsWith(tail));
    assert.ok(!/(?<!\r)\n|\r\r/.test(after), 'a line end that is none');
  });

  it('fills a file that is nothing but a hole', async () => {
    const { code, err } = await run(['fill', file('a.ts', '⟦⟧'), '--max-tokens', '8', ...model]);
    assert.equal(code, 0, err);
  });

  const faults: [name: string, content: string | Uint8Array | undefined, message: RegExp][] = [
    ['a file without holes', 'let a = 1;\n', /a\.ts: expected at least one hole, written ⟦⟧, but found none/],
    ['an empty file', '', /expected at least one hole/],
    [
      'a file that is not UTF-8',
      Uint8Array.of(0x61, 0xff, 0xfe),
      /a\.ts: expected UTF-8 text, but some bytes are not/,
    ],
    ['a file that is not there', undefined, /a\.ts: cannot be read: ENOENT/],
  ];
  for (const [name, content, message] of faults) {
    it(`says what is wrong with ${name}`, async () => {
      if (content !== undefined) file('a.ts', content);
      const { code, err } = await run(['fill', join(folder, 'a.ts'), ...model]);
      assert.equal(code, 1);
      assert.match(err, message);
    });
  }
});
