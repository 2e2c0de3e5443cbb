import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ContextCaches } from '../../../server/src/runtime/contextCaches';
import { KvCacheBuffers } from '../../../server/src/runtime/kvCache';
import { bytesOf, HostMemory } from '../../../server/src/runtime/kvStore';

const shape = { layers: 2, kvHeads: 2, headDim: 3 };
const memory = new HostMemory(shape);

/** Keys and values that tell every token, position, head and buffer apart, as the graph would give them. */
function layersFor(ids: readonly number[], start: number): Float32Array[] {
  return Array.from({ length: 2 * shape.layers }, (_, buffer) =>
    Float32Array.from({ length: shape.kvHeads * ids.length * shape.headDim }, (_, i) => {
      const head = Math.floor(i / (ids.length * shape.headDim));
      const token = Math.floor(i / shape.headDim) % ids.length;
      return buffer + 10 * head + 100 * (i % shape.headDim) + 1000 * ids[token]! + 100_000 * (start + token);
    }),
  );
}

function append(cache: KvCacheBuffers, ids: readonly number[]): void {
  const positions = ids.map((_, i) => cache.length + i);
  cache.append(Int32Array.from(ids), Int32Array.from(positions), layersFor(ids, cache.length));
}

/** What the graph would see of the cache, token by token. */
function content(cache: KvCacheBuffers): number[] {
  const inputs = Object.values(cache.inputs());
  return inputs.flatMap((tensor) => {
    const [, heads, capacity, width] = tensor.dims as [number, number, number, number];
    const data = tensor.data as Float32Array;
    return Array.from({ length: heads }, (_, head) => [
      ...data.subarray(head * capacity * width, (head * capacity + cache.length) * width),
    ]).flat();
  });
}

function freshContent(ids: readonly number[]): number[] {
  const cache = new KvCacheBuffers(memory);
  append(cache, ids);
  return content(cache);
}

const sequence = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 300 });

describe('KvCacheBuffers', () => {
  it('holds the same after any way of growing', () => {
    fc.assert(
      fc.property(sequence, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (ids, sizes) => {
        const cache = new KvCacheBuffers(memory);
        for (let i = 0; cache.length < ids.length; i++) {
          append(cache, ids.slice(cache.length, cache.length + sizes[i % sizes.length]!));
        }
        assert.deepEqual(content(cache), freshContent(ids));
      }),
      { numRuns: 30 },
    );
  });

  it('keeps to a few capacities, whatever the length', () => {
    const cache = new KvCacheBuffers(memory);
    const capacities = new Set<number>();
    for (let i = 0; i < 600; i++) {
      append(cache, [1]);
      capacities.add(Object.values(cache.inputs())[0]!.dims[2]!);
    }
    assert.deepEqual([...capacities], [128, 256, 384, 512, 640]);
  });

  it('does not take tokens at other positions for the same ones', () => {
    const cache = new KvCacheBuffers(memory);
    append(cache, [1, 2]);
    cache.append(Int32Array.of(3), Int32Array.of(50), layersFor([3], 2));
    assert.equal(cache.commonPrefix(Int32Array.of(1, 2, 3)), 2);
  });

  it('refuses to keep more than it has', () => {
    assert.throws(() => new KvCacheBuffers(memory).truncate(1), /Expected to keep 0 to 0 tokens/);
  });
});

describe('ContextCaches', () => {
  it('hands out exactly the common beginning, whatever was asked for before', () => {
    fc.assert(
      fc.property(fc.array(sequence, { minLength: 1, maxLength: 12 }), (requests) => {
        const caches = new ContextCaches(memory, Infinity, 3);
        for (const ids of requests) {
          const cache = caches.take(Int32Array.from(ids));
          const known = ids.slice(0, cache.length);
          if (known.length > 0) assert.deepEqual(content(cache), freshContent(known));
          append(cache, ids.slice(cache.length));
          assert.deepEqual(content(cache), freshContent(ids));
          assert.ok(caches.size <= 3);
        }
      }),
      { numRuns: 60 },
    );
  });

  const read = (caches: ContextCaches, ids: readonly number[]): number => {
    const cache = caches.take(Int32Array.from(ids));
    const reused = cache.length;
    append(cache, ids.slice(reused));
    return reused;
  };
  const document = (first: number): number[] => [7, 8, ...Array.from({ length: 50 }, (_, i) => first + i)];

  it('goes back and forth between documents without reading them anew', () => {
    const caches = new ContextCaches(memory, Infinity, 3);
    for (const first of [100, 200, 300]) read(caches, document(first));
    for (const first of [200, 100, 300, 100]) assert.equal(read(caches, document(first)), 52);
  });

  it('drops the document that was not used for longest', () => {
    const caches = new ContextCaches(memory, Infinity, 2);
    for (const first of [100, 200, 100, 300]) read(caches, document(first));
    assert.equal(read(caches, document(100)), 52);
    assert.equal(read(caches, document(200)), 2);
  });

  it('drops as many documents as it takes to stay within its bytes', () => {
    // Two contexts of 300 tokens fit, and not a third one however short.
    const caches = new ContextCaches(memory, 2 * bytesOf(shape, 300) + 1, 9);
    const long = (first: number): number[] => Array.from({ length: 300 }, (_, i) => first + i);
    const within = (): void => assert.ok(caches.bytes <= 2 * bytesOf(shape, 300), `${caches.bytes} bytes`);
    for (const first of [1000, 2000, 3000]) {
      read(caches, long(first));
      within();
    }
    assert.equal(read(caches, long(2000)), 300);
    assert.equal(read(caches, long(3000)), 300);
    assert.equal(read(caches, document(100)), 0);
    within();
    assert.equal(read(caches, long(3000)), 300);
    assert.equal(caches.size, 2);
    // A document that grows takes the place of the others.
    read(caches, [...long(3000), ...long(5000)]);
    within();
    assert.equal(caches.size, 1);
  });

  it('keeps the context in use, whatever it takes', () => {
    const caches = new ContextCaches(memory, 1, 9);
    for (const first of [100, 200]) {
      read(caches, document(first));
      assert.equal(caches.size, 1);
    }
    assert.equal(read(caches, [...document(200), 5]), 52);
  });

  it('never has more than its bytes allow, and gives what is right all the same', () => {
    fc.assert(
      fc.property(fc.array(sequence, { minLength: 1, maxLength: 12 }), (requests) => {
        const caches = new ContextCaches(memory, bytesOf(shape, 600));
        for (const ids of requests) {
          const cache = caches.take(Int32Array.from(ids));
          cache.allocate(ids.length);
          append(cache, ids.slice(cache.length));
          assert.deepEqual(content(cache), freshContent(ids));
          assert.ok(caches.bytes <= bytesOf(shape, 600));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps no number of what it was told to forget', () => {
    const caches = new ContextCaches(memory, Infinity, 1);
    const spoilt = caches.take(Int32Array.from(document(100)));
    spoilt.append(
      Int32Array.of(1),
      Int32Array.of(0),
      layersFor([1], 0).map((values) => values.fill(NaN)),
    );
    caches.clear();
    const fresh = caches.take(Int32Array.from(document(100)));
    assert.equal(fresh.length, 0);
    for (const tensor of Object.values(fresh.inputs())) {
      assert.ok((tensor.data as Float32Array).every((value) => !Number.isNaN(value)));
    }
  });

  it('reads only what is new when one types', () => {
    const caches = new ContextCaches(memory, Infinity, 2);
    const typed = document(100);
    read(caches, typed);
    assert.equal(read(caches, [...typed, 5]), 52);
    assert.equal(read(caches, [...typed, 6, 6]), 52);
    assert.equal(read(caches, typed.slice(0, 40)), 40);
  });
});
