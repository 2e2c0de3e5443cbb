/** Something that holds on to a listener, a timer, a process or native memory until told to let go. */
export interface Disposable {
  dispose(): void;
}

/** Makes a function a `Disposable` that runs at most once. */
export function toDisposable(release: () => void): Disposable {
  let released = false;
  return {
    dispose(): void {
      if (released) return;
      released = true;
      release();
    },
  };
}

/** Disposes what was added to it, last first; what is added after that is disposed at once. */
export class DisposableStore implements Disposable {
  private readonly items = new Set<Disposable>();
  private disposed = false;

  add<T extends Disposable>(item: T): T {
    if (this.disposed) item.dispose();
    else this.items.add(item);
    return item;
  }

  /** Disposes everything and stays usable. One failing item does not keep the others from being disposed. */
  clear(): void {
    const items = [...this.items].reverse();
    this.items.clear();
    const errors: unknown[] = [];
    for (const item of items) {
      try {
        item.dispose();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'Several items failed to be disposed');
  }

  dispose(): void {
    this.disposed = true;
    this.clear();
  }
}
