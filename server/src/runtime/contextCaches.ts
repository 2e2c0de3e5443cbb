import { KvCacheBuffers } from './kvCache';
import { bytesOf, type KvMemory } from './kvStore';

/**
 * The contexts read last, of several documents. A request takes the one that begins most like its own
 * context; which document that came from is of no matter.
 */
export class ContextCaches {
  /** Least recently used first. */
  private readonly caches: KvCacheBuffers[] = [];

  /**
   * @param mostBytes what all of them may take when the one taken last holds its context; one alone may take more.
   * @param most how many contexts are kept: some documents, and each hole of the one where several are filled.
   */
  constructor(
    private readonly memory: KvMemory,
    private readonly mostBytes: number,
    private readonly most = 12,
  ) {}

  get size(): number {
    return this.caches.length;
  }

  /** Bytes of all keys and values kept. */
  get bytes(): number {
    return this.caches.reduce((sum, cache) => sum + cache.bytes, 0);
  }

  /** A cache that holds what is known of the beginning of `ids`, and nothing else. It is the newest now. */
  take(ids: Int32Array): KvCacheBuffers {
    let best: KvCacheBuffers | undefined;
    let common = 0;
    for (const cache of this.caches) {
      const length = cache.commonPrefix(ids);
      if (length > common) [best, common] = [cache, length];
    }
    const needed = bytesOf(this.memory.shape, ids.length);
    // Cutting a cache down to less than half would lose what another document still needs: such a short
    // beginning is copied instead, which costs next to nothing.
    const isSameDocument = best !== undefined && common * 2 >= best.length;
    const taken = best !== undefined && isSameDocument ? best : this.spare(needed);
    if (taken === best) taken.truncate(common);
    else if (best !== undefined) taken.copyFrom(best, common);
    else taken.truncate(0);
    this.touch(taken);
    const growth = Math.max(0, needed - taken.bytes);
    while (this.caches.length > 1 && this.bytes + growth > this.mostBytes) this.caches.shift()!.truncate(0);
    return taken;
  }

  /** Forgets everything. The memory is not used again: what is no number there would stay one behind any tokens. */
  clear(): void {
    for (const cache of this.caches) cache.truncate(0);
    this.caches.length = 0;
  }

  /**
   * A cache whose content may go: a new one while there is room for it, then the least recently used.
   *
   * @param needed bytes.
   */
  private spare(needed: number): KvCacheBuffers {
    const [oldest] = this.caches;
    const isFull = this.caches.length >= this.most || this.bytes + needed > this.mostBytes;
    return isFull && oldest !== undefined ? oldest : new KvCacheBuffers(this.memory);
  }

  private touch(cache: KvCacheBuffers): void {
    const index = this.caches.indexOf(cache);
    if (index >= 0) this.caches.splice(index, 1);
    this.caches.push(cache);
  }
}
