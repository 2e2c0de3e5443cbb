/**
 * Reads a value out of parsed JSON and says, when it is not what it should be, where it stands and what was
 * found there instead.
 */
export class JsonReader {
  /** @param path where the value stands, for messages; '' for the whole document. */
  constructor(
    private readonly value: unknown,
    private readonly path = '',
  ) {}

  /** The member of an object; an absent one reads as undefined, which then fails to be anything. */
  get(key: string): JsonReader {
    const path = this.path === '' ? key : `${this.path}.${key}`;
    return new JsonReader(this.record()[key], path);
  }

  keys(): string[] {
    return Object.keys(this.record());
  }

  string(): string {
    if (typeof this.value !== 'string' || this.value === '') throw this.wrong('a non-empty string');
    return this.value;
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw this.wrong('true or false');
    return this.value;
  }

  /** A number from `min` to `max`. */
  number(min: number, max: number): number {
    if (typeof this.value !== 'number' || !(this.value >= min && this.value <= max)) {
      throw this.wrong(`a number from ${min} to ${max}`);
    }
    return this.value;
  }

  /** A whole number from `min` to `max`. */
  integer(min: number, max: number): number {
    const value = this.value;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw this.wrong(`a whole number from ${min} to ${max}`);
    }
    return value;
  }

  list(): JsonReader[] {
    if (!Array.isArray(this.value) || this.value.length === 0) throw this.wrong('a non-empty list');
    return this.value.map((item: unknown, i) => new JsonReader(item, `${this.path}[${i}]`));
  }

  private record(): Record<string, unknown> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      throw this.wrong('an object');
    }
    return this.value as Record<string, unknown>;
  }

  /** The error for a value that is not `expected`. */
  wrong(expected: string): Error {
    const text = this.value === undefined ? 'nothing' : JSON.stringify(this.value);
    const found = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    return new Error(
      `expected ${expected} at ${this.path === '' ? 'the top' : `"${this.path}"`}, found ${found}`,
    );
  }
}
