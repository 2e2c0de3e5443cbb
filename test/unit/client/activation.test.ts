import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

/** The files that a bundle was made of, as its source map tells. */
function sourcesOf(bundle: string): readonly string[] {
  const { sources } = JSON.parse(readFileSync(`dist/${bundle}.js.map`, 'utf8')) as {
    readonly sources: readonly string[];
  };
  return sources;
}

describe('what is loaded when the extension is activated', () => {
  const isLibrary = (path: string): boolean => path.includes('node_modules');

  it('is our own code and no library', () => {
    const sources = sourcesOf('extension');
    assert.ok(sources.some((path) => path.endsWith('client/src/extension.ts')));
    assert.deepEqual(sources.filter(isLibrary), []);
  });

  it('leaves out what comes with the first document', () => {
    assert.ok(sourcesOf('languageClient').some(isLibrary));
    const late = '../client/src/languageClient.ts';
    assert.ok(!sourcesOf('extension').includes(late) && sourcesOf('languageClient').includes(late));
  });
});
