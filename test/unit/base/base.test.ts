import assert from 'node:assert/strict';
import fc from 'fast-check';
import { turn } from '../../../server/src/base/async';
import { CancellationSource, neverCancelled } from '../../../server/src/base/cancellation';
import { DisposableStore, toDisposable } from '../../../server/src/base/lifecycle';
import { LruMap } from '../../../server/src/base/lru';

describe('LruMap', () => {
  it('holds the entries used last', () => {
    const uses = fc.array(fc.record({ key: fc.nat(6), write: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(uses, fc.integer({ min: 1, max: 4 }), (given, capacity) => {
        const map = new LruMap<number, number>(capacity);
        let expected: number[] = [];
        for (const { key, write } of given) {
          if (write) map.set(key, key);
          else assert.equal(map.get(key), expected.includes(key) ? key : undefined);
          if (!write && !expected.includes(key)) continue;
          expected = [...expected.filter((other) => other !== key), key].slice(-capacity);
          assert.deepEqual([...map.keys()], expected);
        }
      }),
    );
  });

  it('says what it drops', () => {
    const dropped: string[] = [];
    const map = new LruMap<string, number>(1, (value, key) => dropped.push(`${key}=${value}`));
    map.set('a', 1);
    map.set('a', 2);
    map.set('b', 3);
    assert.deepEqual(dropped, ['a=2']);
    assert.throws(() => new LruMap(0), /at least 1 entry, not 0/);
  });
});

describe('CancellationSource', () => {
  it('tells every listener once', () => {
    const source = new CancellationSource();
    let calls = 0;
    const count = (): number => calls++;
    source.token.onCancellationRequested(count);
    source.token.onCancellationRequested(count);
    source.token.onCancellationRequested(count).dispose();
    assert.equal(source.token.isCancellationRequested, false);
    source.cancel();
    source.cancel();
    assert.equal(calls, 2);
    assert.equal(source.token.isCancellationRequested, true);
  });

  it('tells who listens too late as well', async () => {
    const source = new CancellationSource();
    source.cancel();
    let told = false;
    source.token.onCancellationRequested(() => (told = true));
    await turn();
    assert.equal(told, true);
    assert.equal(neverCancelled.isCancellationRequested, false);
  });
});

describe('DisposableStore', () => {
  it('disposes last first, each once, and what comes after that at once', () => {
    const order: number[] = [];
    const store = new DisposableStore();
    for (const n of [1, 2, 3]) store.add(toDisposable(() => order.push(n)));
    store.dispose();
    store.dispose();
    assert.deepEqual(order, [3, 2, 1]);
    store.add(toDisposable(() => order.push(4)));
    assert.deepEqual(order, [3, 2, 1, 4]);
  });

  it('disposes the others when one fails', () => {
    const order: number[] = [];
    const store = new DisposableStore();
    store.add(toDisposable(() => order.push(1)));
    store.add({ dispose: () => assert.fail('cannot let go') });
    assert.throws(() => store.dispose(), /cannot let go/);
    assert.deepEqual(order, [1]);
  });
});
