import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CompletionCache, type CacheKey } from '../../../server/src/completion/cache';
import type { CompletionCandidate } from '../../../server/src/completion/outcome';

function candidate(text: string): CompletionCandidate {
  return { text, score: 0, confidence: 1, complete: true };
}

/** The text before and after the cursor `│`. */
function key(document: string, language = 'typescript'): CacheKey {
  const [prefix = '', suffix = ''] = document.split('│');
  return { language, prefix, suffix, sureOnly: true };
}

function texts(cache: CompletionCache, document: string, requested = 1): readonly string[] | undefined {
  return cache.get(key(document), requested)?.candidates.map((hit) => hit.text);
}

describe('CompletionCache', () => {
  const cases: readonly {
    readonly name: string;
    readonly remembered: string;
    readonly candidates: readonly string[];
    readonly asked: string;
    readonly answer: readonly string[] | undefined;
  }[] = [
    { name: 'the very place', remembered: 'a│b', candidates: ['xyz'], asked: 'a│b', answer: ['xyz'] },
    { name: 'typing along', remembered: 'a│b', candidates: ['xyz'], asked: 'axy│b', answer: ['z'] },
    {
      name: 'typing something else',
      remembered: 'a│b',
      candidates: ['xyz'],
      asked: 'ay│b',
      answer: undefined,
    },
    { name: 'typed to the end', remembered: 'a│b', candidates: ['xyz'], asked: 'axyz│b', answer: undefined },
    { name: 'typing beyond', remembered: 'a│b', candidates: ['xyz'], asked: 'axyzx│b', answer: undefined },
    { name: 'another suffix', remembered: 'a│b', candidates: ['xyz'], asked: 'a│c', answer: undefined },
    { name: 'another prefix', remembered: 'a│b', candidates: ['xyz'], asked: 'c│b', answer: undefined },
    { name: 'deleting', remembered: 'ab│', candidates: ['xyz'], asked: 'a│', answer: undefined },
    {
      name: 'the alternatives that fit',
      remembered: '│',
      candidates: ['ab', 'ac', 'b'],
      asked: 'a│',
      answer: ['b', 'c'],
    },
    { name: 'nothing, remembered', remembered: 'a│', candidates: [], asked: 'a│', answer: [] },
    { name: 'nothing, typed on', remembered: 'a│', candidates: [], asked: 'ab│', answer: undefined },
    {
      name: 'a bracket the editor closed',
      remembered: 'foo│\nx',
      candidates: ['(a, b)'],
      asked: 'foo(│)\nx',
      answer: ['a, b'],
    },
    {
      name: 'a bracket the editor closed, typed on',
      remembered: 'foo│\nx',
      candidates: ['(a, b)'],
      asked: 'foo(a│)\nx',
      answer: [', b'],
    },
    { name: 'brackets and quotes', remembered: '│', candidates: ["f('a')"], asked: "f('│')", answer: ['a'] },
    {
      name: 'a block the editor closed',
      remembered: 'f│',
      candidates: [' {\n  a\n}'],
      asked: 'f {│}',
      answer: ['\n  a\n'],
    },
    {
      name: 'a bracket that is not closed there',
      remembered: '│',
      candidates: ['f(a);'],
      asked: 'f(│)',
      answer: undefined,
    },
    {
      name: 'line breaks typed along',
      remembered: '│',
      candidates: ['a\n  b'],
      asked: 'a\n│',
      answer: ['  b'],
    },
  ];
  for (const { name, remembered, candidates, asked, answer } of cases) {
    it(`${name}: ${JSON.stringify(remembered)} then ${JSON.stringify(asked)}`, () => {
      const cache = new CompletionCache();
      cache.set(key(remembered), candidates.map(candidate), 3);
      assert.deepEqual(texts(cache, asked, 3), answer);
    });
  }

  it('does not answer a wish for three with an answer to a wish for one', () => {
    const cache = new CompletionCache();
    cache.set(key('a│'), [candidate('b')], 1);
    assert.equal(texts(cache, 'a│', 3), undefined);
    assert.deepEqual(texts(cache, 'a│', 1), ['b']);
  });

  it('tells languages apart', () => {
    const cache = new CompletionCache();
    cache.set(key('a│', 'python'), [candidate('b')], 1);
    assert.equal(cache.get(key('a│', 'typescript'), 1), undefined);
  });

  it('asks again after a while where there was nothing, and keeps what there was', () => {
    let ms = 0;
    const cache = new CompletionCache(50, () => ms);
    cache.set(key('a│'), [], 1);
    cache.set(key('b│'), [candidate('xyz')], 1);
    assert.deepEqual(texts(cache, 'a│'), []);
    ms = 60_000;
    assert.equal(texts(cache, 'a│'), undefined);
    assert.deepEqual(texts(cache, 'b│'), ['xyz']);
  });

  it('lets the newest answer for a place win, and forgets the oldest places', () => {
    const cache = new CompletionCache(2);
    cache.set(key('a│'), [candidate('1')], 1);
    cache.set(key('a│'), [candidate('2')], 1);
    assert.equal(cache.size, 1);
    assert.deepEqual(texts(cache, 'a│'), ['2']);
    cache.set(key('b│'), [candidate('3')], 1);
    cache.set(key('c│'), [candidate('4')], 1);
    assert.equal(texts(cache, 'a│'), undefined);
    assert.deepEqual(texts(cache, 'c│'), ['4']);
  });

  it('does not answer with sure text only who asked for all of it', () => {
    const cache = new CompletionCache();
    cache.set(key('let a│'), [candidate(' = 1')], 1);
    assert.equal(cache.get({ ...key('let a│'), sureOnly: false }, 1), undefined);
    cache.set({ ...key('let b│'), sureOnly: false }, [candidate(' = 2')], 1);
    assert.deepEqual(texts(cache, 'let b =│'), [' 2']);
  });

  it('never vanishes and never changes while somebody types along', () => {
    const piece = fc.constantFrom('a', 'b', '(', ')', '\n', '😀', ' ');
    const anyText = fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(anyText, anyText, anyText, (prefix, text, suffix) => {
        const cache = new CompletionCache();
        const key = { language: 'x', prefix, suffix, sureOnly: true };
        cache.set(key, [candidate(text)], 1);
        for (let typed = 0; typed < text.length; typed++) {
          const hit = cache.get({ ...key, prefix: prefix + text.slice(0, typed) }, 1);
          assert.deepEqual(hit, { candidates: [candidate(text.slice(typed))], typed });
        }
      }),
    );
  });
});
