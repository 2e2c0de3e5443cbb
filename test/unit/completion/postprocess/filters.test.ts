import assert from 'node:assert/strict';
import type { Filter, FilterContext } from '../../../../server/src/completion/postprocess';
import { closingBrackets } from '../../../../server/src/completion/postprocess/closingBrackets';
import { closingQuote } from '../../../../server/src/completion/postprocess/closingQuote';
import { duplicateSuffix } from '../../../../server/src/completion/postprocess/duplicateSuffix';
import { indentation } from '../../../../server/src/completion/postprocess/indentation';
import { repetition } from '../../../../server/src/completion/postprocess/repetition';
import { singleLine } from '../../../../server/src/completion/postprocess/singleLine';
import { specialCharacters } from '../../../../server/src/completion/postprocess/specialCharacters';
import { whitespace } from '../../../../server/src/completion/postprocess/whitespace';

/** A document with the cursor at `│`, what the model wrote there, and what may be offered (or nothing). */
interface Golden {
  readonly document: string;
  readonly written: string;
  readonly offered: string | undefined;
  readonly language?: string;
  readonly cut?: boolean;
}

function contextOf({ document, language = 'typescript', cut = false }: Golden): FilterContext {
  const parts = document.split('│');
  assert.equal(parts.length, 2, 'a golden document has one cursor');
  const [prefix = '', suffix = ''] = parts;
  return { language, prefix, suffix, cutBefore: cut, cutAfter: cut };
}

function check(filter: Filter, goldens: readonly Golden[]): void {
  describe(`filter: ${filter.name}`, () => {
    for (const golden of goldens) {
      const place = golden.language === undefined ? '' : `${golden.language}: `;
      const shown = golden.offered === undefined ? 'nothing' : JSON.stringify(golden.offered);
      it(`${place}${JSON.stringify(golden.document)} + ${JSON.stringify(golden.written)} → ${shown}`, () => {
        const context = contextOf(golden);
        const offered = filter.apply(golden.written, context);
        assert.equal(offered, golden.offered);
        // A filter that changes its own result again has not understood what it does.
        if (offered !== undefined) assert.equal(filter.apply(offered, context), offered);
      });
    }
  });
}

check(specialCharacters, [
  { document: 'a│', written: 'plain 😀 text\n\tok', offered: 'plain 😀 text\n\tok' },
  { document: 'a│', written: '\ufffd', offered: undefined },
  { document: 'a│', written: 'b\ufffdc', offered: 'b' },
  { document: 'a│', written: 'b\nc\ufffd\nd', offered: 'b' },
  { document: 'a│', written: 'b\u0000', offered: 'b' },
  { document: 'a│', written: 'b\rc', offered: 'b' },
  { document: 'a│', written: '⟦⟧', offered: undefined },
  { document: 'a│', written: 'b\n<<<<<<< HEAD\nc', offered: 'b' },
  { document: 'a│', written: ' <<<<<<<<', offered: ' <<<<<<<<' },
]);

check(singleLine, [
  { document: 'a│', written: '1\n2', offered: '1\n2' },
  { document: 'f(│);', written: '1,\n2', offered: '1,\n2' },
  { document: 'f(│, b);', written: '1\n2', offered: '1' },
  { document: 'a│\nb', written: '1\n2', offered: '1\n2' },
]);

check(repetition, [
  { document: "import a from 'a';\n│", written: "import a from 'a';", offered: undefined },
  { document: "import a from 'a';\nimp│", written: "ort a from 'a';", offered: undefined },
  { document: "import a from 'a';\n│", written: "import b from 'b';", offered: "import b from 'b';" },
  { document: '  }\n}\n│', written: '}', offered: '}' },
  {
    document: '│',
    written: 'let aaa = 1;\nlet aaa = 1;\nlet aaa = 1;\nx',
    offered: 'let aaa = 1;',
  },
  { document: '│', written: 'a(b(b(b(b(b(b(b(b(b(b(b(', offered: 'a(b' },
  { document: '// │', written: '-----------------------------', offered: '-----------------------------' },
  { document: 'f(│', written: '0, 0, 0', offered: '0, 0, 0' },
  { document: 'f() │', written: '{ { { { { { {', offered: '{ ' },
  { document: 'f();│', written: '\n\ng();\n\n\nh();', offered: '\n\ng();' },
  { document: 'f();│', written: '   \n    \n    \n    .', offered: undefined },
]);

check(duplicateSuffix, [
  { document: 'const a = │;', written: 'b;', offered: 'b' },
  { document: 'const a = │;', written: 'b', offered: 'b' },
  { document: 'const a = │ + b;', written: 'c + b;', offered: 'c' },
  { document: 'const a = │ + b;', written: 'c + b', offered: 'c' },
  { document: 'f(│)', written: 'a)', offered: 'a)' },
  { document: 'f() {\n  │\n  return a;\n}', written: 'a = 1;\n  return a;', offered: 'a = 1;' },
  { document: 'f() {\n  │\n  return a;\n}', written: 'a = 1;\n  return a;\n}', offered: 'a = 1;' },
  { document: 'f() {\n  │\n  return a;\n}', written: 'return a;\n}', offered: undefined },
  {
    document: 'f() {\n  a = 1;│\n  return a + b;\n}',
    written: '\n  b = 1;\n  return a',
    offered: '\n  b = 1;',
  },
  { document: 'f() {\n  if (a) {\n    b();│\n}', written: '\n  }', offered: '\n  }' },
  { document: 'f() {\n  b();│\n}\n', written: ' c();\n}\n\ng() {', offered: ' c();' },
  { document: 'f() {\n  b();│\n}', written: ' c();\n}', offered: ' c();' },
  { document: 'a│', written: 'b', offered: 'b' },
]);

check(closingQuote, [
  { document: "import a from '│';", written: "./a';", offered: './a' },
  { document: "import a from '│';", written: './a', offered: './a' },
  { document: "import a from '│", written: "./a';", offered: "./a';" },
  { document: "import a from '│';", written: "'", offered: undefined },
  { document: 'const a = "│";', written: 'say \\"b\\"";', offered: 'say \\"b\\"' },
  { document: 'const a = │;', written: "'b'", offered: "'b'" },
  { document: "// don't │ 'it'", written: "'a'", offered: "'a'" },
  { document: "a = '│'", written: "b'", offered: 'b', language: 'python' },
]);

check(closingBrackets, [
  { document: 'foo(│)', written: 'a)', offered: 'a' },
  { document: 'if (│\n  b;\n}', written: 'a) {', offered: 'a) {' },
  { document: 'if (│)\n  b;\n}', written: 'a) {', offered: 'a' },
  { document: 'foo(│', written: 'a)', offered: 'a)' },
  { document: 'foo(│)', written: 'a);', offered: 'a' },
  { document: 'foo(bar(│)', written: 'a)', offered: 'a)' },
  { document: 'foo(bar(│)', written: 'a))', offered: 'a)' },
  { document: 'foo(│)', written: 'bar(a), [b]', offered: 'bar(a), [b]' },
  { document: 'foo([│])', written: 'a, b])', offered: 'a, b' },
  { document: 'foo(│)', written: ')', offered: undefined },
  { document: 'foo(│)', written: '")"', offered: '")"' },
  { document: 'foo(│)', written: '/[)]/', offered: '/[)]/' },
  { document: 'foo(│)', written: 'a // )', offered: 'a // )' },
  { document: 'f() {\n  return │\n}', written: 'a;\n}\n\ng() {', offered: 'a;\n' },
  { document: 'f() {\n  return │\n', written: 'a;\n}', offered: 'a;\n}' },
  { document: 'foo(│', written: 'a]', offered: 'a' },
  { document: 'const s = `${│}`;', written: 'a}', offered: 'a' },
  // What is closed beyond the window is not known, but the cursor's own line is.
  { document: 'foo(│)', written: 'a)', offered: 'a', cut: true },
  { document: 'foo(│\n', written: 'a)', offered: 'a)', cut: true },
  { document: 'foo(│\n)', written: 'a)', offered: 'a', cut: true },
  { document: '  return │\n', written: 'a;\n}', offered: 'a;\n}', cut: true },
  // Brackets that do not match before the cursor prove nothing.
  { document: 'a) b(│)', written: 'c)', offered: 'c)' },
  { document: 'f(│)  # it isn"t', written: 'a)', offered: 'a', language: 'python' },
  { document: '"""(""" + f(│)', written: 'a)', offered: 'a', language: 'python' },
  { document: "it isn't (│)", written: 'so)', offered: 'so', language: 'markdown' },
]);

check(indentation, [
  { document: 'if (a) {\n\tb();│', written: '\n    c();', offered: '\n\tc();' },
  { document: 'if (a) {\n\tb();│', written: '\n        c();\n    d();', offered: '\n\t\tc();\n\td();' },
  { document: 'if (a) {\n  b();│', written: '\n\tc();', offered: '\n  c();' },
  { document: 'def f():\n    return │', written: 'a\n\ndef g():', offered: 'a\n', language: 'python' },
  { document: 'if (a) {│', written: '\n  b();\n}', offered: '\n  b();\n}' },
  {
    document: 'f() {\n  if (a) {│',
    written: '\n    b();\n  }\n}\ng();',
    offered: '\n    b();\n  }\n}\ng();',
  },
  { document: 'f() {\n  a();│', written: '\n}\n', offered: '\n}\n' },
  { document: 'class A {\n  a() {}│', written: '\nfunction b() {}', offered: '' },
]);

check(whitespace, [
  { document: 'a│', written: ' \n\t', offered: undefined },
  { document: 'a│', written: '', offered: undefined },
  { document: 'a│\nb', written: ' = 1;\n\n', offered: ' = 1;' },
  { document: 'a│b', written: ' = ', offered: ' = ' },
  { document: 'return │', written: ' a', offered: 'a' },
  { document: '    │', written: '    a', offered: '    a' },
]);
