import assert from 'node:assert/strict';
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
  const cases: readonly {
    readonly language: string;
    readonly text: string;
    readonly fills: readonly string[];
    readonly parses: readonly boolean[];
  }[] = [
    { language: 'typescript', text: 'const a = │;\n', fills: ['1', ')', ''], parses: [true, false, false] },
    // No candidate can repair what is broken elsewhere in the file.
    { language: 'typescript', text: 'const = ;\nconst a = │;\n', fills: ['1', '('], parses: [true, false] },
    // Alone among wrong candidates, none passes as the best there is.
    { language: 'typescript', text: 'foo(│);\n', fills: ['a b', ')('], parses: [false, true] },
    { language: 'python', text: 'def f(a):\n    return │\n', fills: ['a +', 'a'], parses: [false, true] },
  ];
  for (const { language, text, fills, parses } of cases) {
    it(`${JSON.stringify(text)} with ${JSON.stringify(fills)}`, async () => {
      const verdicts = await checker.judge(
        language,
        text.split('│'),
        fills.map((fill) => [fill]),
      );
      assert.deepEqual(verdicts, { kind: 'judged', parses });
    });
  }

  it('judges several holes together', async () => {
    const verdicts = await checker.judge(
      'typescript',
      ['function f(', ') { return ', '; }\n'],
      [
        ['a: number', 'a + 1'],
        ['a: number', 'a +'],
      ],
    );
    assert.deepEqual(verdicts, { kind: 'judged', parses: [true, false] });
  });

  it('says why it cannot judge', async () => {
    const unknown = await checker.judge('markdown', ['', ''], [['a']]);
    assert.deepEqual(unknown, { kind: 'unjudged', reason: 'no grammar for markdown' });
    const elsewhere = new SyntaxChecker('/nowhere');
    const missing = await elsewhere.judge('typescript', ['', ''], [['a']]);
    if (missing.kind !== 'unjudged') assert.fail('a missing grammar judges nothing');
    assert.match(missing.reason, /\/nowhere\/tree-sitter-typescript\.wasm/);
  });
});
