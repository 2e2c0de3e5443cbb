import assert from 'node:assert/strict';
import { excerpts } from '../../../server/src/cli/excerpt';

const bracket = (text: string): string => `[${text}]`;

describe('excerpts', () => {
  it('shows short text whole, each line of a fill marked', () => {
    assert.equal(excerpts(['a(', ')\r\n'], ['x,\r\n  y'], bracket), 'a([x,]\n[  y])\n');
  });

  it('leaves out what is far from holes', () => {
    const long = Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join('');
    const shown = excerpts([long, long, long], ['A', 'B'], bracket).split('\n');
    assert.equal(shown.filter((line) => line === '…').length, 3);
    assert.ok(shown.length < 50);
    assert.equal(shown[0], '…');
    assert.equal(shown.at(-1), '…');
    assert.ok(shown.includes('[A]line 0') && shown.includes('line 99'));
  });
});
