import assert from 'node:assert/strict';
import { excludedBy } from '../../../server/src/completion/exclude';

describe('excludedBy', () => {
  const cases: readonly (readonly [uri: string, glob: string, excluded: boolean])[] = [
    ['file:///home/me/app/lib.min.js', '*.min.js', true],
    ['file:///home/me/app/lib.js', '*.min.js', false],
    ['file:///home/me/app/generated/api/client.ts', 'generated/**', true],
    ['file:///home/me/app/regenerated/api.ts', 'generated/**', false],
    ['file:///home/me/app/src/a.ts', '**/src/*.ts', true],
    ['file:///home/me/app/src/a.ts', 'src', false],
    ['file:///home/me/app/.env', '.env', true],
    ['file:///home/me/app/.config/a.json', '**/*.json', true],
    ['file:///home/me/app/a.ts', '/home/me/**', true],
    ['file:///home/me/app/a.ts', '/home/you/**', false],
    ['file:///c%3A/Users/me/a.ts', 'c:\\Users\\**', true],
    ['file:///c%3A/Users/me/a.ts', 'C:/Users/**', true],
    ['file:///C:/Users/me/a.ts', 'c:/Users/**', true],
    ['file:///home/me/with%20blank/a%23.ts', 'with blank/*.ts', true],
    ['untitled:Untitled-1', 'Untitled-*', true],
    ['vscode-notebook-cell:/home/me/book.ipynb#W0', '*.ipynb', true],
    ['file:///home/me/app/a.ts', '{*.ts,*.js}', true],
    ['file:///home/me/app/a.ts', '!*.ts', false],
    ['file:///home/me/app/a.ts', '[', false],
    ['file:///home/me/app/a.ts', '', false],
  ];
  for (const [uri, glob, excluded] of cases) {
    it(`${uri} by ${glob}: ${String(excluded)}`, () => {
      assert.equal(excludedBy(uri, ['never', glob], false), excluded ? glob : undefined);
    });
  }

  it('takes backslashes on Windows for what separates folders', () => {
    const uri = 'file:///c%3A/app/generated/a.ts';
    for (const glob of ['generated\\**', '**\\generated\\*.ts', 'C:\\app\\**'])
      assert.equal(excludedBy(uri, [glob], true), glob);
    assert.equal(excludedBy(uri, ['generated\\**'], false), undefined);
  });
});
