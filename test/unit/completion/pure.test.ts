import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BracketScanner } from '../../../server/src/completion/bracketScanner';
import { Debounce } from '../../../server/src/completion/debounce';
import { findHoleMarkers, mostTokensOf } from '../../../server/src/completion/holeMarkers';
import { Latency } from '../../../server/src/completion/latency';
import { isInsideMergeConflict } from '../../../server/src/completion/mergeConflict';

describe('isInsideMergeConflict', () => {
  const conflict = 'a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\nd\n';
  const cases: readonly (readonly [place: string, inside: boolean])[] = [
    ['a', false],
    ['<<<<<<<', true],
    ['b', true],
    ['=======', true],
    ['c', true],
    ['>>>>>>>', true],
    ['d', false],
  ];
  for (const [place, inside] of cases) {
    it(`${JSON.stringify(place)} is ${inside ? 'inside' : 'outside'}`, () => {
      assert.equal(isInsideMergeConflict(conflict, conflict.indexOf(place)), inside);
    });
  }

  it('takes neither half of a conflict for one', () => {
    assert.equal(isInsideMergeConflict('<<<<<<< HEAD\nb\n', 14), false);
    assert.equal(isInsideMergeConflict('b\n>>>>>>> other\n', 1), false);
    assert.equal(isInsideMergeConflict('', 0), false);
  });

  it('finds a conflict at the very start', () => {
    assert.equal(isInsideMergeConflict('<<<<<<< a\nb\n=======\nc\n>>>>>>> d', 11), true);
  });
});

describe('findHoleMarkers', () => {
  const cases: readonly (readonly [text: string, found: readonly (readonly [string, number?])[]])[] = [
    ['', []],
    ['a', []],
    ['⟦⟧', [['⟦⟧']]],
    ['f(⟦⟧, ⟦ 16 ⟧)', [['⟦⟧'], ['⟦ 16 ⟧', 16]]],
    ['⟦\n⟧', []],
    ['⟦a⟧', []],
    ['⟦⟦⟧⟧', [['⟦⟧']]],
  ];
  for (const [text, expected] of cases) {
    it(JSON.stringify(text), () => {
      const found = findHoleMarkers(text).map(({ start, end, size }) =>
        size === undefined ? [text.slice(start, end)] : [text.slice(start, end), size],
      );
      assert.deepEqual(found, expected);
    });
  }

  it('looks only where it is told to', () => {
    const text = '⟦⟧ a ⟦⟧ b ⟦⟧';
    assert.deepEqual(findHoleMarkers(text, { start: 2, end: 8 }), [{ start: 5, end: 7 }]);
  });
});

describe('mostTokensOf', () => {
  it('is the size written into the hole, as far as one hole alone can get that many', () => {
    const most = (text: string): number[] => findHoleMarkers(text).map((hole) => mostTokensOf(hole, 64));
    assert.deepEqual(most('⟦⟧ ⟦0⟧ ⟦20⟧ ⟦300⟧ ⟦9999⟧'), [64, 64, 20, 300, 512]);
  });
});

describe('BracketScanner', () => {
  const cases: readonly (readonly [language: string, text: string, open: string, unmatched: string])[] = [
    ['typescript', 'f(a, [b, {c', '([{', ''],
    ['typescript', '(a) [b] {c}', '', ''],
    ['typescript', ')a]', '', ')]'],
    ['typescript', '(]', '(', ']'],
    ['typescript', 'a("(")', '', ''],
    ['typescript', "a('\\'(')", '', ''],
    ['typescript', '`${f(`, ', '${(', ''],
    ['typescript', '`(${a})(` + [', '[', ''],
    ['typescript', '// (\n[', '[', ''],
    ['typescript', '/* ( */ [', '[', ''],
    ['typescript', 'a = /[(]\\//; {', '{', ''],
    ['typescript', 'a / b(c / d', '(', ''],
    ['typescript', "it's (", '', ''],
    ['typescript', "it's\n(", '(', ''],
    ['python', 'a // b(', '(', ''],
    ['python', '# (\n[', '[', ''],
    ['python', '"""(\n""" {', '{', ''],
    ['python', "'''it's (''' [", '[', ''],
    ['markdown', "it's (", '(', ''],
  ];
  for (const [language, text, open, unmatched] of cases) {
    it(`${language}: ${JSON.stringify(text)}`, () => {
      const scanner = new BracketScanner(language);
      const closers = scanner.feed(text);
      assert.equal(scanner.open.join(''), open);
      assert.equal(closers.map((closer) => closer.char).join(''), unmatched);
    });
  }

  it('reads in pieces as it reads in one, as long as no piece ends inside a token', () => {
    const piece = fc.constantFrom('a ', '(', ')', '{ ', '} ', '"s" ', '// c\n', '`${', '` ', "'");
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const whole = new BracketScanner('typescript');
        whole.feed(pieces.join(''));
        const parts = new BracketScanner('typescript');
        for (const part of pieces) parts.feed(part);
        assert.deepEqual(parts.open, whole.open);
        assert.equal(parts.openQuote, whole.openQuote);
      }),
    );
  });
});

describe('Debounce', () => {
  const typing = (debounce: Debounce, interval: number, expectedMs: number | undefined): number => {
    let delay = 0;
    for (let now = 0; now < 2_000; now += interval) delay = debounce.delay(now, expectedMs);
    return delay;
  };

  it('hardly waits where the model answers before the next keystroke', () => {
    assert.equal(typing(new Debounce(), 120, 40), 5);
    assert.equal(typing(new Debounce(), 120, 119), 5);
    assert.equal(typing(new Debounce(), 120, undefined), 5);
  });

  it('waits for a pause in typing that is faster than the model', () => {
    assert.equal(typing(new Debounce(), 100, 300), 80);
    assert.equal(typing(new Debounce(), 300, 300), 150);
  });

  it('takes a first keystroke for the beginning of usual typing', () => {
    assert.equal(new Debounce().delay(0, 50), 5);
    assert.equal(new Debounce().delay(0, 400), 120);
  });

  it('takes a break for no sign of slow typing', () => {
    const debounce = new Debounce();
    debounce.delay(0, 300);
    assert.equal(debounce.delay(60_000, 300), 120);
  });

  it('waits 5 to 150 ms, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2_000)), fc.option(fc.nat(5_000)), (gaps, expected) => {
        const debounce = new Debounce();
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          const delay = debounce.delay(now, expected ?? undefined);
          assert.ok(delay >= 5 && delay <= 150, `${delay}`);
        }
      }),
    );
  });
});

describe('Latency', () => {
  it('knows nothing before the first request', () => {
    const latency = new Latency();
    assert.equal(latency.totalMs, undefined);
    assert.equal(latency.isSlow, false);
  });

  it('calls a machine slow after three requests, not for one outlier', () => {
    const latency = new Latency();
    for (const ms of [2_000, 50, 60]) latency.add(ms);
    assert.equal(latency.totalMs, 60);
    assert.equal(latency.isSlow, false);
    for (const ms of [900, 900, 900]) latency.add(ms);
    assert.equal(latency.isSlow, true);
  });
});
