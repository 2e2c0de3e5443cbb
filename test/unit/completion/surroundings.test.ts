import assert from 'node:assert/strict';
import { withoutWhatFollows } from '../../../server/src/completion/surroundings';

/** A document with holes, what the model wrote into them, and what is kept of that. */
interface Golden {
  readonly document: string;
  readonly written: readonly string[];
  readonly kept: readonly string[];
  readonly language?: string;
}

const GOLDENS: readonly Golden[] = [
  { document: 'return left + ⟦⟧;', written: ['right;'], kept: ['right'] },
  { document: 'a = f(⟦⟧);\nb = g(⟦⟧);', written: ['x);', 'y)'], kept: ['x', 'y'] },
  { document: 'f(⟦⟧, ⟦⟧)', written: ['a', 'b)'], kept: ['a', 'b'] },
  { document: "import './⟦⟧';", written: ["math.js';"], kept: ['math.js'] },
  { document: 'def f():\n    return os.path(⟦⟧)\n', written: ['a)'], kept: ['a'], language: 'python' },
  { document: 'f(⟦⟧)', written: ['g(1)'], kept: ['g(1)'] },
  { document: '{\n  ⟦⟧\n  end();\n}', written: ['a();\n  end();'], kept: ['a();'] },
  { document: 'a === ⟦⟧;', written: ['b;\n'], kept: ['b'] },
  { document: 'total += ⟦⟧\nreturn total\n', written: ['1\n'], kept: ['1'], language: 'python' },
  { document: '⟦⟧}\n', written: ['  a();\n'], kept: ['  a();\n'] },
  { document: 'return a === ⟦⟧ && b;', written: ['1;'], kept: ['1'] },
  { document: 'function f(a: ⟦⟧, b: B) {}', written: ['A,'], kept: ['A'] },
  { document: 'function f(): ⟦⟧ {', written: ['A; '], kept: ['A'] },
  { document: 'a = { b: ⟦⟧ };', written: ['c '], kept: ['c'] },
  { document: 'for (⟦⟧ i < n; i++) {}', written: ['let i = 0;'], kept: ['let i = 0;'] },
  { document: 'const a = ⟦⟧ // one', written: ['1;'], kept: ['1;'] },
  { document: 'const f = () => { ⟦⟧ };', written: ['return 1;'], kept: ['return 1;'] },
  { document: 'f(a: number, ⟦⟧): A {', written: ['b: number {'], kept: ['b: number'] },
  { document: 'f([⟦⟧]);', written: ['a, ('], kept: ['a'] },
  { document: 'f(⟦⟧);', written: ['g(() => {\n  a();\n})'], kept: ['g(() => {\n  a();\n})'] },
  // A weak model says the same over and over.
  { document: 'x = left.x - ⟦⟧, y', written: ['right.xxxxxxxxxxxxxxxxxxxxxxx'], kept: ['right.x'] },
  { document: 'f(⟦⟧)', written: ['a, b, b, b, b, b, b, b, b) + c'], kept: ['a, b'] },
  { document: '⟦⟧\n', written: ['// ----------------------\n'], kept: ['// ----------------------\n'] },
  {
    document: '{⟦⟧\n}',
    written: ['\n                        a();'],
    kept: ['\n                        a();'],
  },
  { document: 'a = ⟦⟧;', written: ['1000000000000000'], kept: ['1000000000000000'] },
  // What one hole writes counts as what stands around the next.
  { document: '⟦⟧a⟦⟧;', written: ['f(', 'b)'], kept: ['f(', 'b)'] },
  { document: 'function f() {\n⟦⟧\n}', written: ['}\n\nfunction g() {'], kept: ['}\n\nfunction g() {'] },
  // Nothing would be left, and a hole is never empty.
  { document: 'return ⟦⟧;', written: [';'], kept: [';'] },
];

describe('fills and what stands around them', () => {
  for (const { document, written, kept, language = 'typescript' } of GOLDENS)
    it(`${JSON.stringify(document)} + ${JSON.stringify(written)} → ${JSON.stringify(kept)}`, () => {
      const segments = document.split('⟦⟧');
      const uncertain = written.map(({ length }) => [{ start: 0, end: length }]);
      const filters = new Set<string>();
      const around = { language, segments, cutBefore: false, cutAfter: false };
      const result = withoutWhatFollows({ fills: written, uncertain }, around, filters);
      assert.deepEqual(result.fills, kept);
      assert.deepEqual(
        result.uncertain,
        kept.map(({ length }) => [{ start: 0, end: length }]),
      );
      assert.equal(filters.size > 0, written.join('\0') !== kept.join('\0'));
    });
});
