import assert from 'node:assert/strict';
import fc from 'fast-check';
import { importedModules } from '../../../../server/src/completion/workspace/imports';

describe('importedModules', () => {
  const cases: readonly (readonly [language: string, text: string, expected: readonly string[]])[] = [
    ['typescript', "import { a } from './parts/wheel';", ['/p/src/parts/wheel.ts', '/p/src/parts/wheel/index.ts']],
    ['typescript', "import type { a } from '../brake.js';", ['/p/brake.ts', '/p/brake.js']],
    ['javascript', "const b = require('./brake')", ['/p/src/brake.js']],
    ['typescriptreact', "const c = await import('./lazy.tsx');", ['/p/src/lazy.tsx']],
    ['typescript', "export * from './all';\nimport './effects';", ['/p/src/all.ts', '/p/src/effects.ts']],
    ['typescript', "import x from 'react';\nimport fs from 'node:fs';", []],
    ['python', 'from .ledger import Ledger, Entry as E', ['/p/src/ledger.py', '/p/src/ledger/Entry.py']],
    ['python', 'from . import tax', ['/p/src/tax.py', '/p/src/__init__.py']],
    ['python', 'from ..books.ledger import x', ['/p/books/ledger.py']],
    ['python', 'import books.ledger as b', ['/p/src/books/ledger.py', '/p/books/ledger.py', '/books/ledger.py']],
    ['python', "x = 'from ./a import b'", []],
    ['markdown', "import x from './a';", []],
  ]; // prettier-ignore
  for (const [language, text, expected] of cases) {
    it(`finds ${expected.length === 0 ? 'nothing' : expected.join(', ')} in ${JSON.stringify(text)} of ${language}`, () => {
      const paths = importedModules(language, '/p/src/main', text).flat();
      for (const path of expected) assert.ok(paths.includes(path), `${path} is not in ${paths.join(' ')}`);
      if (expected.length === 0) assert.deepEqual(paths, []);
    });
  }

  it('reads anything quickly', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constant('from '.repeat(50_000)),
      fc.constant(`from '${'.'.repeat(60_000)}`),
    );
    fc.assert(
      fc.property(text, fc.constantFrom('python', 'typescript'), (anything, language) => {
        const started = performance.now();
        importedModules(language, '/p/a', anything);
        assert.ok(performance.now() - started < 2_000);
      }),
      { numRuns: 40 },
    );
  });
});
