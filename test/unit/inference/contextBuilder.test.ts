import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ContextBuilder } from '../../../server/src/inference/contextBuilder';
import { parseManifest } from '../../../server/src/runtime/manifest';
import { manifestJson } from '../runtime/manifestFixture';
import { tokenizer } from '../tokenizer/shippedTokenizer';

const manifest = parseManifest({ ...manifestJson(), heals: true });
const builder = new ContextBuilder(tokenizer, manifest);
const { contextTokens, contextLength } = manifest;
const code = (lines: number): string =>
  Array.from({ length: lines }, (_, i) => `  const value${i} = compute(${i}, 'text');\n`).join('');

/** The context with its markers spelt out, for people. */
function spell(ids: Int32Array): string {
  const names = new Map([[contextTokens.suffix, '<suf>'], [contextTokens.prefix, '<pre>'], [6, '<ts>'], [7, '<py>'], [15, '<other>']]); // prettier-ignore
  contextTokens.hole.forEach((id, i) => names.set(id, `<hole${i}>`));
  return [...ids].map((id) => names.get(id) ?? tokenizer.decode(Int32Array.of(id)).text).join('');
}

const commonPrefix = (a: Int32Array, b: Int32Array): number => {
  let n = 0;
  while (n < Math.min(a.length, b.length) && a[n] === b[n]) n++;
  return n;
};

describe('ContextBuilder', () => {
  const layouts: [name: string, language: string, segments: string[], expected: string, leads: string[]][] = [
    ['one hole', 'typescript', ['a;\nlet b =', ';\nlet c;\n'], '<ts><suf>\nlet c;\n<pre>a;\n<hole0>;', ['let b| =']],
    ['several holes', 'python', ['f(', ',\n  ', ')\n'], '<py><suf>\n<pre><hole0>,\n<hole1>)', ['f|(', '  |']],
    ['several holes in a line', 'python', ['f(', ', x', ')\n'], '<py><suf>\n<pre><hole0><hole1>)', ['f|(', ',| x']],
    ['a hole at the end', 'typescript', ['return', ''], '<ts><suf><pre><hole0>', ['|return']],
    ['a hole behind a blank', 'typescript', ['return ', ''], '<ts><suf><pre><hole0>', ['return| ']],
    ['a hole in a word', 'typescript', ['a = this.construc', 'r;'], '<ts><suf><pre><hole0>r;', ['a = this.|construc']],
    ['an empty file', 'cobol', ['', ''], '<other><suf><pre><hole0>', ['|']],
    ['a hole on a long line', 'python', ['x, '.repeat(60), '\ny'], `<py><suf>\ny<pre>${'x, '.repeat(60)}<hole0>`, ['|']],
  ]; // prettier-ignore
  for (const [name, language, segments, expected, expectedLeads] of layouts) {
    it(`lays out ${name}`, () => {
      const { ids, holes, leads } = builder.build(language, segments);
      assert.equal(spell(ids), expected);
      assert.equal(holes, segments.length - 1);
      assert.deepEqual(
        leads.map(({ ids, opening }) => `${tokenizer.decode(ids).text}|${opening}`),
        expectedLeads,
      );
    });
  }

  it('says the beginning of the text below once more behind the last hole, where the model is used to it', () => {
    const json = manifestJson();
    Object.assign(json['model'] as object, { repeatedBelow: 5 });
    const repeating = new ContextBuilder(tokenizer, parseManifest(json));
    for (const [, language, segments] of layouts) {
      const { ids } = builder.build(language, segments);
      const below = ids.subarray(2, ids.indexOf(contextTokens.prefix));
      assert.deepEqual(
        repeating.build(language, segments).ids,
        Int32Array.of(...ids, ...below.subarray(0, 5)),
      );
    }
    const long = repeating.build('typescript', [code(400), `; // ${'long '.repeat(900)}\n${code(400)}`]);
    assert.ok(long.ids.length <= contextLength);
  });

  it('leaves the context as it is while a line is typed', () => {
    const build = (typed: string): Int32Array =>
      builder.build('typescript', [`${code(9)}${typed}`, '\n']).ids;
    assert.deepEqual(build('return items'), build('return items.map('));
  });

  it('fits any text into the context, its holes in it', () => {
    const segment = fc.oneof(fc.string(), fc.integer({ min: 0, max: 120 }).map(code), fc.constantFrom('x'.repeat(9000), '🙂'.repeat(700), '\n'.repeat(3000), ', ')); // prettier-ignore
    fc.assert(
      fc.property(fc.array(segment, { minLength: 2, maxLength: 12 }), (segments) => {
        const { ids, holes } = builder.build('typescript', segments);
        assert.ok(ids.length <= contextLength, `${ids.length} tokens`);
        assert.ok(holes >= 1 && holes <= Math.min(segments.length - 1, 8));
        const markers = [...ids].filter((id) => contextTokens.hole.includes(id));
        assert.deepEqual(markers, contextTokens.hole.slice(0, holes));
      }),
      { numRuns: 60 },
    );
  });

  it('uses most of the context where there is text enough', () => {
    const { ids } = builder.build('typescript', [code(400), `\n${code(400)}`]);
    assert.ok(ids.length > contextLength - 100, `${ids.length} tokens`);
    const text = spell(ids);
    assert.ok(text.endsWith("  const value399 = compute(399, 'text');\n<hole0>"));
    const suffix = tokenizer.encode(text.slice('<ts><suf>'.length, text.indexOf('<pre>')));
    assert.ok(suffix.length >= contextLength / 4);
  });

  it('keeps the suffix small when there is much before, and lets it grow when there is little', () => {
    const tokensBelow = (before: string): number => {
      const text = spell(builder.build('typescript', [before, `\n${code(400)}`]).ids);
      return tokenizer.encode(text.slice('<ts><suf>'.length, text.indexOf('<pre>'))).length;
    };
    assert.ok(tokensBelow('let a = ') > 400);
    assert.ok(tokensBelow(code(100)) <= contextLength / 4);
  });

  it('appends while one types: nearly all tokens stay where they were', () => {
    const typed = "  return items.map((item) => item.value * 2).filter((value) => value > 10).join(', ');";
    const below = `\n${code(60)}`;
    for (const before of ['', code(10), code(60)]) {
      let previous = builder.build('typescript', [before, below]).ids;
      let kept = 0;
      for (let n = 1; n <= typed.length; n++) {
        const { ids } = builder.build('typescript', [before + typed.slice(0, n), below]);
        kept += Number(commonPrefix(previous, ids) >= previous.length - 12);
        previous = ids;
      }
      assert.ok(kept / typed.length > 0.95, `${kept} of ${typed.length} keystrokes kept their context`);
    }
  });

  it('keeps the context when an editor closes brackets right of the cursor', () => {
    const before = `${code(60)}  call`;
    const [open, closed] = [builder.build('typescript', [`${before}(`, '\n']), builder.build('typescript', [`${before}(`, ')\n'])]; // prettier-ignore
    assert.ok(commonPrefix(open.ids, closed.ids) >= open.ids.length - 2);
  });

  it('takes as many holes as the text between them leaves room for', () => {
    const far = code(60);
    assert.equal(builder.build('typescript', ['a', far, far, 'z']).holes, 1);
    assert.equal(builder.build('typescript', ['a', code(3), code(3), far, 'z']).holes, 3);
    assert.equal(
      builder.build(
        'typescript',
        Array.from({ length: 12 }, () => ', '),
      ).holes,
      8,
    );
  });

  it('reads megabytes as fast as a page', () => {
    const huge = code(130_000);
    assert.ok(huge.length > 5_000_000);
    const started = performance.now();
    const { ids } = builder.build('typescript', [huge, huge]);
    assert.ok(ids.length <= contextLength);
    assert.ok(performance.now() - started < 2000, 'tokenising everything would take minutes');
  });
});
