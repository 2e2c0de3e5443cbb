import assert from 'node:assert/strict';
import { withLineEnding, withText } from '../../../server/src/completion/outcome';

describe('places in the text of a candidate', () => {
  const uncertain = [{ start: 1, end: 3 }];

  it('are kept as long as the text is the same', () => {
    const candidate = { text: 'abcd', uncertain };
    assert.deepEqual(withText(candidate, 'abcd'), candidate);
    assert.deepEqual(withText(candidate, 'abc'), { text: 'abc', uncertain: undefined });
  });

  it('move with line ends', () => {
    const candidate = { fills: ['a\nb\nc', 'd'], uncertain: [[{ start: 1, end: 3 }, { start: 4, end: 5 }], []] }; // prettier-ignore
    const moved = withLineEnding(candidate, '\r\n');
    assert.deepEqual(moved.fills, ['a\r\nb\r\nc', 'd']);
    assert.deepEqual(moved.uncertain[0]!.map(({ start, end }) => moved.fills[0]!.slice(start, end)), ['\r\nb', 'c']); // prettier-ignore
    assert.deepEqual(withLineEnding(candidate, '\n'), candidate);
  });
});
