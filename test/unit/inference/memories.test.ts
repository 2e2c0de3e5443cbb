import assert from 'node:assert/strict';
import type { HoleMemory } from '../../../server/src/diffusion/holeMemory';
import { nearnessTables } from '../../../server/src/diffusion/recall';
import { splitLead } from '../../../server/src/inference/lead';
import { Memories } from '../../../server/src/inference/memories';
import type { FileChunk } from '../../../server/src/inference/messages';
import { parseManifest } from '../../../server/src/runtime/manifest';
import { manifestJson } from '../runtime/manifestFixture';
import { tokenizer } from '../tokenizer/shippedTokenizer';

const recall = {
  orders: [1, 2, 3],
  weights: new Array(nearnessTables).fill(new Array(3).fill(new Array(3).fill([0.5, 0.5, 0.5]))),
};
const manifest = parseManifest({ ...(manifestJson() as object), recall });
const heals = manifest.heals;

/** Of the holes, or of the first ones. */
function memoriesOf(
  segments: readonly string[],
  files: readonly FileChunk[] = [],
  {
    holes = segments.length - 1,
    now = (): number => 0,
    deadline = Infinity,
    memories = new Memories(tokenizer, manifest, now),
  } = {},
): HoleMemory[] | undefined {
  const leads = segments.slice(0, holes).map((text) => splitLead(tokenizer, text, heals).lead);
  return memories.of(segments, leads, files, deadline);
}

const memoryOf = (...of: Parameters<typeof memoriesOf>): HoleMemory | undefined => memoriesOf(...of)?.[0];

/** The text of what is recalled most for the place behind some text of the hole. */
function recalledBehind(memory: HoleMemory, text: string): string | undefined {
  const shares = [...(memory.at(tokenizer.encode(text))?.shares ?? [])].sort((a, b) => b[1] - a[1]);
  const [best] = shares;
  if (best === undefined) return undefined;
  return best[0] === manifest.layout.eoh ? '(end)' : tokenizer.decode(Int32Array.of(best[0])).text;
}

describe('Memories', () => {
  it('are of the text before a hole, behind it, and of other files', () => {
    const line = 'const zebra = stripes;\n';
    const files = [{ path: 'a.ts', text: line }];
    for (const [segments, beside] of [
      [[`${line}const zebra =`, '\n'], []],
      [['const zebra =', `\n${line}`], []],
      [['const zebra =', '\n'], files],
    ] as const) {
      const memory = memoryOf(segments, beside);
      assert.ok(' stripes'.startsWith(recalledBehind(memory!, '')!));
    }
  });

  it('are of files with one endless line, too, piece by piece and as long as there is time', () => {
    let time = 0;
    const long = { path: 'a.js', text: 'stripes+'.repeat(12_000) };
    memoryOf(['const zebra =', '\n'], [long], { now: () => time++, deadline: 3 });
    assert.equal(time, 4, 'it went on although the time was up');
    const words = { path: 'a.json', text: `{"zebra":"stripes ${'\u6f22\ud83d\ude42'.repeat(30_000)}"}` };
    assert.ok('stripes'.startsWith(recalledBehind(memoryOf(['{"zebra":"', '\n'], [words])!, '')!));
  });

  it('know where a hole ends: where what follows it follows', () => {
    const memory = memoryOf(['run(one);\nrun(', ');\n']);
    assert.equal(recalledBehind(memory!, 'one'), '(end)');
  });

  it('are of the text around all holes, and each knows what stands before and behind its own', () => {
    const segments = ['f(b);\na = f(', ');\nx[b];\nc = x[', '];\n'];
    const [first, second] = memoriesOf(segments)!;
    assert.equal(recalledBehind(first!, ''), 'b');
    assert.equal(recalledBehind(first!, 'b'), '(end)');
    assert.equal(recalledBehind(second!, ''), 'b');
    assert.equal(recalledBehind(second!, 'b'), '(end)');
    assert.equal(memoriesOf(segments, [], { holes: 1 })!.length, 1);
  });

  it('read new files as long as there is time, and the rest for the next request', () => {
    let ms = 0;
    const memories = new Memories(tokenizer, manifest, () => (ms += 10));
    const text = `${'let x = 1;\n'.repeat(1000)}const zebra = stripes;\n`;
    const files = [{ path: 'a.ts', text }];
    const knows = (deadline: number): boolean => {
      const memory = memoryOf(['const zebra =', '\n'], files, { memories, deadline });
      return ' stripes'.startsWith(recalledBehind(memory!, '')!);
    };
    let asked = 1;
    while (!knows(ms + 20)) asked++;
    assert.ok(asked > 2);
    // A changed file is another one.
    const changed = [{ path: 'a.ts', text: text.replace('stripes', 'hooves') }];
    const memory = memoryOf(['const zebra =', '\n'], changed, { memories });
    assert.ok(' hooves'.startsWith(recalledBehind(memory!, '')!));
  });

  it('are for models only that were measured to gain by them', () => {
    const memories = new Memories(tokenizer, parseManifest(manifestJson()), () => 0);
    assert.equal(memories.of(['a', ''], [splitLead(tokenizer, 'a', heals).lead], [], Infinity), undefined);
  });
});
