import assert from 'node:assert/strict';
import { join } from 'node:path';
import { chooserFor } from '../../../server/src/completion/holeChoice';
import { SyntaxChecker } from '../../../server/src/completion/syntaxCheck';
import type { InfillCandidate } from '../../../server/src/inference/messages';

const syntax = new SyntaxChecker(join(process.cwd(), 'dist/grammars'));

after(() => {
  syntax.dispose();
});

const candidate = (score: number, ...fills: string[]): InfillCandidate => ({
  fills,
  uncertain: fills.map(() => []),
  beginnings: fills.map(() => []),
  score,
  complete: true,
  confidence: 1,
  draws: 1,
});

async function chosen(
  language: string,
  segments: readonly string[],
  candidates: readonly InfillCandidate[],
  { wanted = 3, original = undefined as string[] | undefined } = {},
): Promise<{ fills: string[]; filters: string[] }> {
  const filters = new Set<string>();
  const choose = chooserFor(syntax, { language, writesOn: false }, filters, original);
  const found = await choose(segments, candidates, wanted);
  return { fills: found.map((choice) => choice.fills.join('|')), filters: [...filters] };
}

describe('chooserFor', () => {
  const call = ['const n = f(', ');\n'];

  it('puts what parses as it was said before what is likelier but has to be cut', async () => {
    const candidates = [candidate(-1, 'a)'), candidate(-2, 'b'), candidate(-3, '(')];
    assert.deepEqual((await chosen('typescript', call, candidates)).fills.slice(0, 2), ['b', 'a']);
  });

  it('cuts everything where nobody can parse', async () => {
    assert.deepEqual((await chosen('rust', call, [candidate(-1, 'a)'), candidate(-2, 'b')])).fills, [
      'a',
      'b',
    ]);
  });

  it('gives each text once, and no more than are wanted', async () => {
    const candidates = [candidate(-1, 'a'), candidate(-2, 'a'), candidate(-3, 'b'), candidate(-4, 'c')];
    assert.deepEqual((await chosen('typescript', call, candidates, { wanted: 2 })).fills, ['a', 'b']);
  });

  it('drops what nobody could want, and says why', async () => {
    const candidates = [
      candidate(-1, ''),
      candidate(-2, '\ufffd'),
      candidate(-3, 'old'),
      candidate(-4, 'new'),
    ];
    const { fills, filters } = await chosen('typescript', call, candidates, { original: ['old'] });
    assert.deepEqual(fills, ['new']);
    assert.deepEqual(filters, ['empty', 'special characters', 'unchanged']);
  });

  it('keeps several holes of which one stays empty', async () => {
    const segments = ['f(', ', ', ');\n'];
    assert.deepEqual((await chosen('rust', segments, [candidate(-1, 'a', '')])).fills, ['a|']);
  });
});
