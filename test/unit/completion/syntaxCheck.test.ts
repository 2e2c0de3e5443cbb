import assert from 'node:assert/strict';
import fc from 'fast-check';
import { join } from 'node:path';
import { SyntaxChecker } from '../../../server/src/completion/syntaxCheck';

const checker = new SyntaxChecker(join(process.cwd(), 'dist/grammars'));

after(() => {
  checker.dispose();
});

describe('countParseErrors', () => {
  const cases: readonly (readonly [language: string, text: string, errors: 'none' | 'some'])[] = [
    ['typescript', '', 'none'],
    ['typescript', 'const a: number = 1;\n', 'none'],
    ['typescript', 'const a = (1;\n', 'some'],
    ['typescript', 'function f( {', 'some'],
    ['typescriptreact', 'const a = <p>{x}</p>;\n', 'none'],
    ['typescriptreact', 'const a = <p>{x}<p>;\n', 'some'],
    ['javascript', 'let a = 1\n', 'none'],
    ['javascriptreact', 'const a = <b/>;\n', 'none'],
    ['python', 'def f(a):\n    return a\n', 'none'],
    ['python', 'def f(a:\n    return a\n', 'some'],
    ['css', 'a { color: red; }', 'none'],
    ['typescript', 'const s = "😀\u{20000}";\n', 'none'],
    ['typescript', 'const s = "\ud83d";\n', 'none'],
  ];
  for (const [language, text, expected] of cases) {
    it(`${language}: ${JSON.stringify(text)} has ${expected}`, async () => {
      const errors = await checker.countParseErrors(language, text);
      assert.equal(errors === undefined ? undefined : errors > 0, expected === 'some');
    });
  }

  it('gives no count where there is no grammar or too much text', async () => {
    assert.equal(await checker.countParseErrors('markdown', '# A'), undefined);
    assert.equal(await checker.countParseErrors('typescript', 'a;'.repeat(1_000_000)), undefined);
  });
});

describe('isInComment', () => {
  /** The cursor is at `│`. */
  const cases: readonly (readonly [language: string, text: string, inside: boolean])[] = [
    ['typescript', '// a│', true],
    ['typescript', '// a│\nconst b = 1;\n', true],
    ['typescript', '//│', true],
    ['typescript', '│// a', false],
    ['typescript', '// a\n│', false],
    ['typescript', '/* a │ b */ c', true],
    ['typescript', '/** a\n * │\n */\nc();', true],
    ['typescript', '/* a */│ c', false],
    ['typescript', 'const url = "http://│";', false],
    ['typescript', 'const a = 1; │', false],
    ['typescriptreact', 'const a = <p>// │</p>;', false],
    ['javascript', 'f(); // 😀 │', true],
    ['python', '# a│\n', true],
    ['python', 'a = "# │"\n', false],
    ['python', 'def f():\n    # │\n    return 1\n', true],
    ['css', 'a { /* │ */ }', true],
    ['markdown', '// │', false],
    ['typescript', '│', false],
  ];
  for (const [language, text, inside] of cases) {
    it(`${language}: ${JSON.stringify(text)} is ${inside ? 'in' : 'outside'} a comment`, async () => {
      const offset = text.indexOf('│');
      assert.equal(await checker.isInComment(language, text.replace('│', ''), offset), inside);
    });
  }
});

describe('judge', () => {
  /** One hole, marked `│`; which of the fills parse? */
  interface Case {
    readonly language?: string;
    readonly text: string;
    readonly fills: readonly string[];
    readonly parses: readonly boolean[];
    /** Where somebody goes on writing behind the fill; the same where absent. */
    readonly parsesSoFar?: readonly boolean[];
  }
  const cases: readonly Case[] = [
    { language: 'typescript', text: 'const a = │;\n', fills: ['1', ')', ''], parses: [true, false, false] },
    // No candidate can repair what is broken elsewhere in the file.
    { language: 'typescript', text: 'const = ;\nconst a = │;\n', fills: ['1', '('], parses: [true, false] },
    // Alone among wrong candidates, none passes as the best there is.
    { language: 'typescript', text: 'foo(│);\n', fills: ['a b', ')('], parses: [false, true] },
    { text: 'def f(a):\n    return │\n', fills: ['a +', 'a'], parses: [false, true] },
    // A block wants a statement, and all of its statements stand below each other.
    {
      text: 'def f(a):\n    if a:\n│\n    return 1\n',
      fills: ['        return 2', '    return 2', '', '        # no', 'def g():', '      return 2'],
      parses: [true, false, false, false, false, true],
      parsesSoFar: [true, false, true, true, false, true],
    },
    {
      text: 'def f(a):\n    b = a\n    │\n    return b\n',
      fills: ['b += 1', '    b += 1', 'if b:\n        b = 1\n      b = 2', 'b = 1; c = 2\n      b = 2'],
      parses: [true, false, false, false],
    },
    // None of the candidates is right, and a line is known that would be.
    {
      text: 'def f(a):\n    b = a\n│\n        b += 1\n    return b\n',
      fills: ['def f(a):', '    b = 1', '    # b'],
      parses: [false, false, false],
    },
    { text: 'if a:\n    b\n│\n    c\n', fills: ['else:', '  else:', 'elif d:'], parses: [true, false, true] },
    {
      text: 'def f():\n    │\n    return 1\n',
      fills: ['try:\n        g()\n    finally:\n        h()', 'try:\n        g()', 'g()'],
      parses: [true, false, true],
      parsesSoFar: [true, true, true],
    },
    {
      text: 'class A:\n    @property\n│\n        return 1\n',
      fills: ['    def f(self):', '      def f(self):', '    @cache\n    def f(self):'],
      parses: [true, false, true],
    },
    // Whose blocks come later.
    {
      text: 'def f(a):\n    if a│\n\n\ndef g(): pass\n',
      fills: [':', ': return', ' == 1:  # ', ':\n    b = 1'],
      parses: [false, true, false, false],
      parsesSoFar: [true, true, true, false],
    },
    // The file's own errors far away, tabs, brackets, strings and comments do no harm.
    {
      text: 'if a:\nb\n\ndef f():\n\tx = [\n1]\n# c\n\t│\n\ty = """\n  text\n"""\n',
      fills: ['x = 1', 'if x:\n\t\tx = 1', '    x = 1'],
      parses: [true, true, false],
    },
    {
      text: 'match a:\n    case 1:\n        b\n│',
      fills: ['    case 2: c', '        case 2: c'],
      parses: [true, false],
    },
    {
      text: '# c\n│import a\n',
      fills: ['a = 1\n', '    a = 1\n', 'if a:\n'],
      parses: [true, false, false],
      parsesSoFar: [true, false, true],
    },
    { text: '│', fills: ['a = 1\n', 'if a:\n'], parses: [true, false], parsesSoFar: [true, true] },
    {
      text: 'def f(a):\n    # explain│\n',
      fills: [' it', ' x\n    return 1', '\n    if a:\n        # c'],
      parses: [false, true, false],
      parsesSoFar: [true, true, true],
    },
    // A `try` that is closed before the fill ends is not opened again.
    {
      text: 'def f():\n    │\n',
      fills: ['try:\n        a\n    b', 'a'],
      parses: [false, true],
    },
    // Lines that go on from the one before, and form feeds.
    { text: 'x = 1; \\\n    y = 2\n│', fills: ['z', '  z'], parses: [true, false] },
    { text: 'import a\n\f\n\fdef g():\n    return │\n', fills: ['1', '('], parses: [true, false] },
  ];
  for (const { language = 'python', text, fills, parses, parsesSoFar } of cases) {
    it(`${JSON.stringify(text)} with ${JSON.stringify(fills)}`, async () => {
      const each = fills.map((fill) => [fill]);
      const place = { language, segments: text.split('│'), writesOn: false };
      assert.deepEqual(await checker.judge(place, each, Infinity), { kind: 'judged', parses });
      const soFar = await checker.judge({ ...place, writesOn: true }, each, Infinity);
      assert.deepEqual(soFar, { kind: 'judged', parses: parsesSoFar ?? parses });
    });
  }

  it('knows that a file goes on where its text was cut', async () => {
    const segments = ['        b\n', '    c\n\n    def h(self):\n'];
    const fills = [['    d\n\n    def g(self):\n    '], ['    d\n'], ['          d\n']];
    const place = { language: 'python', segments, writesOn: false };
    const cut = await checker.judge({ ...place, cutBefore: true, cutAfter: true }, fills, Infinity);
    assert.deepEqual(cut, { kind: 'judged', parses: [true, true, false] });
    const whole = await checker.judge(place, fills, Infinity);
    assert.equal(whole.kind === 'judged' && whole.parses[0], false);
  });

  it('reads the whole file where its text was cut inside a docstring', async () => {
    const segments = [
      '    twice\n    """\n    return full(',
      '\n\n\ndef thrice(x):\n    """\n    thrice\n    """\n    return 3 * x\n',
    ];
    const fills = [['2, dtype=x.dtype)'], ['"""']];
    const place = { language: 'python', segments, writesOn: false, cutBefore: true, cutAfter: true };
    const insideOut = await checker.judge(place, fills, Infinity);
    assert.deepEqual(insideOut, { kind: 'judged', parses: [false, true] });
    const outside = { before: 'def twice(x):\n    """\n', after: '\n\nclass A:\n    pass\n' };
    const whole = await checker.judge({ ...place, outside }, fills, Infinity);
    assert.deepEqual(whole, { kind: 'judged', parses: [true, false] });
    const endless = { ...outside, after: '#'.repeat(300_000) };
    assert.deepEqual(await checker.judge({ ...place, outside: endless }, fills, Infinity), insideOut);
  });

  it('judges several holes together', async () => {
    const segments = ['function f(', ') { return ', '; }\n'];
    const verdicts = await checker.judge(
      { language: 'typescript', segments, writesOn: false },
      [
        ['a: number', 'a + 1'],
        ['a: number', 'a +'],
      ],
      2,
    );
    assert.deepEqual(verdicts, { kind: 'judged', parses: [true, false] });
  });

  it('judges each of many as if it were parsed alone', async () => {
    const segments = ['const a = [', '];\nfunction f(', ') {\n  return a;\n}\n'] as const;
    const text = fc.constantFrom('1', 'a,\n  b', '"😀"', '', '(', ']', '\n', 'c = {\n}', '`', '/* ', '*/ d');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text), { maxLength: 12 }), async (random) => {
        const fills = [...random, ['1', 'b'] as const];
        const alone = await Promise.all(
          fills.map(async ([one, other]) => {
            const filled = segments[0] + one + segments[1] + other + segments[2];
            return (await checker.countParseErrors('typescript', filled)) === 0;
          }),
        );
        const place = { language: 'typescript', segments, writesOn: false };
        assert.deepEqual(await checker.judge(place, fills, Infinity), { kind: 'judged', parses: alone });
      }),
    );
  });

  it('looks at no more than are wanted', async () => {
    const place = { language: 'typescript', segments: ['const a = ', ';\n'], writesOn: false };
    const verdicts = await checker.judge(place, [['('], ['1'], ['2'], ['(']], 1);
    assert.deepEqual(verdicts, { kind: 'judged', parses: [false, true, undefined, undefined] });
  });

  it('says why it cannot judge', async () => {
    const place = { language: 'markdown', segments: ['', ''], writesOn: false };
    const unknown = await checker.judge(place, [['a']], 1);
    assert.deepEqual(unknown, { kind: 'unjudged', reason: 'no grammar for markdown' });
    const elsewhere = new SyntaxChecker('/nowhere');
    const missing = await elsewhere.judge({ ...place, language: 'typescript' }, [['a']], 1);
    if (missing.kind !== 'unjudged') assert.fail('a missing grammar judges nothing');
    assert.match(missing.reason, /\/nowhere\/tree-sitter-typescript\.wasm/);
  });
});
