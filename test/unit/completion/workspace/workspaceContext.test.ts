import assert from 'node:assert/strict';
import type { SourceFile } from '../../../../server/src/completion/workspace/sourceFile';
import { RecentPlaces } from '../../../../server/src/completion/workspace/recentPlaces';
import { WorkspaceContext } from '../../../../server/src/completion/workspace/workspaceContext';

const room = { contextLength: 512, fileShare: 0.25 };

/** A file of functions around one topic, so that a text about it has much in common with it. */
const about = (topic: string, path = `src/${topic}.ts`): SourceFile => ({
  path,
  imported: false,
  text: Array.from(
    { length: 3 },
    (_, i) => `function ${topic}${i}(value: ${topic}Kind) {\n  const ${topic}Result = value;\n  log(value);\n  return ${topic}Result;\n}\n\n`,
  ).join('\n'),
}); // prettier-ignore

const using = (topic: string): string =>
  `${topic}Result = ${topic}0(${topic}Kind);\nlog(${topic}1(value));\n`;

/** The chooser over some files, with a clock that stands still. */
function chooser(
  files: readonly SourceFile[],
  now: () => number = () => 0,
): {
  readonly files: SourceFile[];
  readonly context: WorkspaceContext;
  readonly choose: (before: string) => string[];
} {
  const all = [...files];
  const context = new WorkspaceContext({ filesFor: () => all }, now);
  return {
    files: all,
    context,
    choose: (before) =>
      context.chunksFor('file:///a.ts', 'a.ts', [before, '\n'], room).map(({ path }) => path),
  };
}

describe('WorkspaceContext', () => {
  it('shows the file that has most in common with the place', () => {
    const { choose } = chooser([about('apple'), about('stone')]);
    assert.equal(choose(using('apple'))[0], 'src/apple.ts');
    const other = chooser([about('apple'), about('stone')]);
    assert.equal(other.choose(using('stone'))[0], 'src/stone.ts');
  });

  it('gives the same list while one line is typed', () => {
    const { context } = chooser([about('apple'), about('stone')]);
    const chunks = Array.from('stone0(stoneKind)', (_, i) =>
      context.chunksFor(
        'file:///a.ts',
        'a.ts',
        [using('apple') + 'stone0(stoneKind)'.slice(0, i), '\n'],
        room,
      ),
    );
    assert.ok(chunks[0]!.length > 0);
    assert.ok(chunks.every((list) => list === chunks[0]));
  });

  it('stays with its choice until another one is clearly better', () => {
    const { choose } = chooser([about('apple'), about('stone')]);
    const first = choose(using('apple') + using('apple'));
    assert.deepEqual(choose(using('apple') + using('apple') + 'const stoneResult = 1;\n'), first);
    assert.notDeepEqual(choose('stone();\n'.repeat(200) + using('stone')), first);
  });

  it('keeps what both choices have in front, in the old order', () => {
    const { choose, files } = chooser([about('apple')]);
    const first = choose(using('apple'));
    files.push(about('stone'));
    const second = choose(`${using('stone')}apple0();\n`);
    assert.deepEqual(second.slice(0, second.lastIndexOf('src/apple.ts') + 1).filter((path) => path !== 'src/apple.ts'), []); // prettier-ignore
    assert.ok(first.length > 0 && second.includes('src/stone.ts'));
  });

  it('gives up a file that changed or is gone', () => {
    const { choose, files } = chooser([about('apple')]);
    assert.ok(choose(using('apple')).length > 0);
    files.pop();
    assert.deepEqual(choose(using('apple')), []);
  });

  it('shows nothing to a model that knows no files', () => {
    const { context } = chooser([about('apple')]);
    const none = { ...room, fileShare: 0 };
    assert.deepEqual(context.chunksFor('file:///a.ts', 'a.ts', [using('apple'), ''], none), []);
  });

  it('spends little time on one request and catches up with the next ones', () => {
    let ms = 0;
    // Every look at the clock is a millisecond later, so that only so many files fit into one request.
    const many = Array.from({ length: 40 }, (_, i) => about('apple', `src/apple${i}.ts`));
    const { choose, files } = chooser(many, () => ms++);
    const wanted = about('stone');
    files.push(wanted);
    const found: boolean[] = [];
    for (let i = 0; i < 10; i++)
      found.push(choose(`${using('stone')}call(${i});\n`).includes('src/stone.ts'));
    assert.equal(found[0], false);
    assert.equal(found.at(-1), true);
  });
});

describe('RecentPlaces', () => {
  it('remembers places that are far apart, and moves with the person', () => {
    const places = new RecentPlaces();
    for (const offset of [0, 100, 200, 5_000]) places.add('a', offset);
    places.add('b', 7);
    assert.deepEqual(places.of('a'), [200, 5_000]);
    assert.deepEqual(places.of('b'), [7]);
    places.forget('a');
    assert.deepEqual(places.of('a'), []);
  });

  it('forgets the oldest of many', () => {
    const places = new RecentPlaces();
    for (let i = 0; i < 40; i++) places.add('a', i * 1_000);
    assert.equal(places.of('a').length, 16);
    assert.equal(places.of('a').at(-1), 39_000);
  });
});
