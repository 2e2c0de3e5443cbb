import assert from 'node:assert/strict';
import fc from 'fast-check';
import { chunksOf } from '../../../../server/src/completion/workspace/chunks';
import { nearText, rankChunks } from '../../../../server/src/completion/workspace/rank';
import { farParts, withinRoom } from '../../../../server/src/completion/workspace/selection';
import type { SourceFile } from '../../../../server/src/completion/workspace/sourceFile';

const file = (text: string, more: Partial<SourceFile> = {}): SourceFile => ({
  path: 'src/file.ts',
  text,
  imported: false,
  ...more,
});

const ledger = `export class Ledger {
  append(entry: Entry): void {
    this.entries.push(entry);
  }
}
`;
const colours = `function mixColours(first: string, second: string) {
  return first + second;
}
`;

describe('chunks of a file', () => {
  it('end at blank lines, and are never long', () => {
    const first = Array.from({ length: 7 }, (_, i) => `line ${i}`);
    const rest = Array.from({ length: 40 }, (_, i) => `more ${i}`);
    const texts = chunksOf(file([...first, '', ...rest, 'x'.repeat(500), '', ''].join('\n'))).map(
      ({ text }) => text,
    );
    assert.equal(texts[0], first.join('\n'));
    assert.deepEqual(texts.join('\n').split('\n'), [...first, ...rest]);
    assert.ok(texts.every((text) => text.split('\n').length <= 16));
  });

  it('hold the lines of any text but blank and long ones, in order', () => {
    const line = fc.oneof(fc.constant(''), fc.string({ maxLength: 30 }), fc.constant('y'.repeat(300)));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const kept = (text: string): string[] =>
          text.split('\n').filter((part) => part.trim() !== '' && part.length <= 200);
        const text = lines.join('\n');
        const found = chunksOf(file(text)).map((chunk) => chunk.text);
        assert.deepEqual(
          found.flatMap(kept),
          kept(text).map((part) => part.trimEnd()),
        );
        assert.ok(found.every((chunk) => chunk.trim() !== ''));
      }),
    );
  });

  const lines: readonly (readonly [line: string, isDeclaration: boolean])[] = [
    ['export function parse(text: string): Node {', true],
    ['  static create(): Thing {', true],
    ['    def close(self) -> None:', true],
    ['const LIMIT = 10;', true],
    ['MAX_SIZE = 3', true],
    ['  const inner = 1;', false],
    ['  return parse(text);', false],
    ['classify(text)', false],
  ];
  for (const [line, isDeclaration] of lines) {
    it(`${isDeclaration ? 'list' : 'do not list'} ${JSON.stringify(line)} among the declarations of an imported file`, () => {
      const [first, second] = chunksOf(file(line, { imported: true }));
      assert.equal(second === undefined, !isDeclaration);
      assert.equal((first?.factor ?? 1) > 1, isDeclaration);
    });
  }

  it('count more where the person worked lately', () => {
    const text = `${ledger.repeat(4)}\n${colours.repeat(6)}`;
    const chunks = chunksOf(file(text, { recent: [text.length - 5] }));
    assert.deepEqual(
      chunks.filter(({ factor }) => factor > 1).map((chunk) => chunk.text),
      [chunks.at(-1)?.text],
    );
  });
});

describe('ranking chunks', () => {
  const files = [file(colours, { path: 'paint/colours.ts' }), file(ledger, { path: 'a/b/books/ledger.ts' })];

  it('prefers those with the names of the text near the hole, and shows the end of their path', () => {
    const ranked = rankChunks('ledger.append(new Entry(3))', files, 5);
    assert.deepEqual(
      ranked.map(({ path }) => path),
      ['books/ledger.ts'],
    );
  });

  it('finds nothing where nothing is in common', () => {
    assert.deepEqual(rankChunks('', files, 5), []);
    assert.deepEqual(rankChunks('something else', files, 5), []);
  });

  it('does not look at the line that is being typed', () => {
    const before = 'const ledger = open();\n';
    const near = nearText(`${before}ledger.ap`, ';\nmore();\n');
    assert.equal(near, `${before}\nmore();\n`);
    assert.equal(nearText(`${before}ledger.append`, ');\nmore();\n'), near);
  });
});

describe('what is chosen', () => {
  const room = { contextLength: 512, fileShare: 0.25 };
  const numbered = (n: number): string => Array.from({ length: n }, (_, i) => `line ${i};`).join('\n');

  it('of the file itself is only what the model does not read anyway', () => {
    assert.deepEqual(farParts('a.ts', ['short\n', '\nshort'], room), []);
    const parts = farParts('a.ts', [`${numbered(400)}\n`, `\n${numbered(400)}`], room);
    assert.equal(parts.length, 2);
    const [above, below] = parts.map(({ text }) => text.split('\n'));
    assert.equal(above![0], 'line 0;');
    assert.ok(above!.length < 350, 'the lines near the hole are left out');
    assert.equal(below!.at(-1), 'line 399;');
    assert.ok(below!.length < 380);
  });

  it('takes no more room than there is, but for the last one that may be cut', () => {
    const ranked = Array.from({ length: 20 }, (_, i) => ({
      path: 'a.ts',
      text: `${i}`.padEnd(150),
      score: 1,
    }));
    assert.equal(withinRoom(ranked, room).length, 3);
    assert.equal(withinRoom(ranked, { ...room, fileShare: 0 }).length, 0);
    assert.equal(withinRoom(ranked, { contextLength: 1 << 20, fileShare: 0.5 }).length, 8);
  });
});
