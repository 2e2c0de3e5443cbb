import { LruMap } from '../base/lru';
import { type CompletionCandidate, withText } from './outcome';
import { detached } from '../base/detached';

/** The text before and after the cursor, as cut by context.ts. */
export interface CacheKey {
  readonly language: string;
  readonly prefix: string;
  readonly suffix: string;
  /** Whether what the model was unsure of was left out. */
  readonly sureOnly: boolean;
}

/** So long nothing is asked again where there was nothing: other files may have more to say by then. */
const EMPTY_MS = 5_000;

interface Entry extends CacheKey {
  /** When it was answered. */
  readonly at: number;
  readonly candidates: readonly CompletionCandidate[];
  /** How many candidates were asked for: fewer may exist. */
  readonly requested: number;
}

export interface CacheHit {
  readonly candidates: readonly CompletionCandidate[];
  /** How many characters of the candidates had been typed since. */
  readonly typed: number;
}

/** What an editor may put behind the cursor by itself when an opening bracket or quote is typed. */
const AUTO_CLOSED = /^[)\]}>"'`]{1,3}/;

/**
 * Remembers answers by prefix **and** suffix. What a person types along a remembered candidate is
 * answered with the rest of it, without inference, also when the editor adds closing brackets meanwhile.
 */
export class CompletionCache {
  private readonly entries: LruMap<number, Entry>;
  private counter = 0;

  /**
   * One entry holds at most one context window (some 20 KB), so that 50 of them stay around 1-2 MB.
   *
   * @param now milliseconds of a monotonic clock.
   */
  constructor(
    capacity = 50,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.entries = new LruMap(capacity);
  }

  get size(): number {
    return this.entries.size;
  }

  clear(): void {
    this.entries.clear();
  }

  /** @param requested how many candidates the model was asked for */
  set(key: CacheKey, candidates: readonly CompletionCandidate[], requested: number): void {
    for (const [id, entry] of this.newestFirst()) {
      if (sameKey(entry, key)) this.entries.delete(id);
    }
    this.entries.set(this.counter++, {
      language: key.language,
      prefix: detached(key.prefix),
      suffix: detached(key.suffix),
      sureOnly: key.sureOnly,
      candidates,
      requested,
      at: this.now(),
    });
  }

  /**
   * The candidates that go on from here; several remembered answers may contribute, newest first.
   * An empty hit says: asked a moment ago at exactly this place, and there was nothing.
   *
   * @param requested an answer for which fewer candidates were asked does not count
   */
  get(key: CacheKey, requested: number): CacheHit | undefined {
    for (const [id, entry] of this.newestFirst()) {
      if (entry.language !== key.language || entry.requested < requested) continue;
      // What was asked for and seen goes on while it is typed along, sure or not.
      if (entry.sureOnly && !key.sureOnly) continue;
      const typed = typedSince(entry, key);
      if (typed === undefined) continue;
      const added = addedBehind(entry, key);
      if (added === undefined) continue;
      if (typed === '' && added === '') {
        if (entry.candidates.length === 0 && this.now() - entry.at > EMPTY_MS) continue;
        this.entries.get(id);
        return { candidates: entry.candidates, typed: 0 };
      }
      const candidates = entry.candidates.flatMap((candidate) => {
        const text = remainder(candidate.text, typed, added);
        return text === undefined || text === '' ? [] : [withText(candidate, text)];
      });
      if (candidates.length === 0) continue;
      this.entries.get(id);
      return { candidates, typed: typed.length };
    }
    return undefined;
  }

  private newestFirst(): [number, Entry][] {
    return [...this.entries.keys()].reverse().flatMap((id) => {
      const entry = this.entries.peek(id);
      return entry === undefined ? [] : [[id, entry] satisfies [number, Entry]];
    });
  }
}

function sameKey(a: CacheKey, b: CacheKey): boolean {
  return (
    a.language === b.language && a.prefix === b.prefix && a.suffix === b.suffix && a.sureOnly === b.sureOnly
  );
}

/** What was typed after the entry's prefix; `undefined` when the prefix is another. */
function typedSince(entry: Entry, key: CacheKey): string | undefined {
  return key.prefix.startsWith(entry.prefix) ? key.prefix.slice(entry.prefix.length) : undefined;
}

/** Closing characters that now stand before the entry's suffix; `undefined` when the suffix is another. */
function addedBehind(entry: Entry, key: CacheKey): string | undefined {
  if (key.suffix === entry.suffix) return '';
  for (let length = AUTO_CLOSED.exec(key.suffix)?.[0].length ?? 0; length > 0; length--) {
    const rest = key.suffix.slice(length);
    if (rest === entry.suffix || isSameWindowCutEarlier(rest, entry.suffix))
      return key.suffix.slice(0, length);
  }
  return undefined;
}

/** What is added at the near end of a window of fixed size pushes a line out at its far end. */
function isSameWindowCutEarlier(rest: string, suffix: string): boolean {
  return rest.length > 1_000 && suffix.length - rest.length < 500 && suffix.startsWith(rest);
}

/** The candidate without what was typed and without what the editor has closed already. */
function remainder(candidate: string, typed: string, added: string): string | undefined {
  if (!candidate.startsWith(typed)) return undefined;
  const rest = candidate.slice(typed.length);
  if (added === '') return rest;
  return rest.endsWith(added) ? rest.slice(0, -added.length) : undefined;
}
