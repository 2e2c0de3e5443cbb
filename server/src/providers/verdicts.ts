import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../base/async';
import type { Device, Precision, Provider } from '../base/device';
import type { ProbeFinding } from '../inference/messages';

/** What came of trying out a provider: the device that works, or why none does. */
export type Verdict =
  | (Extract<ProbeFinding, { kind: 'works' }> & { readonly device: Device })
  | Extract<ProbeFinding, { kind: 'failed' }>;

/** What a verdict is about: with any other of these it says nothing. */
export interface Subject {
  readonly provider: Provider;
  /** SHA-256 of the model's manifest, which has those of all its files. */
  readonly model: string;
  /** The runtime's version. */
  readonly runtime: string;
  readonly machine: readonly string[];
}

/** Drivers that cannot be named change, too: after so many days a verdict is found anew. */
const validDays = 30;
/** Another number means that verdicts were found in another way. */
const format = 1;
const day = 24 * 60 * 60 * 1000;

/** Verdicts on disk, one file each. What cannot be read is not there; what cannot be written is found anew. */
export class Verdicts {
  /** @param now milliseconds since 1970. */
  constructor(
    private readonly folder: string,
    private readonly log: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  async read(subject: Subject): Promise<Verdict | undefined> {
    const path = this.pathOf(subject);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch {
      // Mostly there is none yet.
      return undefined;
    }
    const stored = parse(text);
    if (stored?.format !== format || !isVerdict(stored.verdict)) {
      this.log(`${path} is damaged or of another version; the provider is tried out anew.`);
      return undefined;
    }
    const isSame = JSON.stringify(stored.subject) === JSON.stringify(subject);
    const age = typeof stored.at === 'number' ? this.now() - stored.at : NaN;
    return isSame && age >= 0 && age < validDays * day ? stored.verdict : undefined;
  }

  async write(subject: Subject, verdict: Verdict): Promise<void> {
    const path = this.pathOf(subject);
    const temporary = `${path}.${process.pid}`;
    try {
      await mkdir(this.folder, { recursive: true });
      await writeFile(temporary, JSON.stringify({ format, at: this.now(), subject, verdict }, undefined, 2));
      await rename(temporary, path);
    } catch (error) {
      this.log(`The verdict on ${subject.provider} could not be kept: ${errorMessage(error)}`);
    }
  }

  /** Without the runtime's version: what was found with an older one is overwritten. */
  private pathOf({ provider, model, machine }: Subject): string {
    const hash = createHash('sha256')
      .update(JSON.stringify([model, machine]))
      .digest('hex')
      .slice(0, 16);
    return join(this.folder, `${provider}-${hash}.json`);
  }
}

interface Stored {
  readonly format?: unknown;
  readonly at?: unknown;
  readonly subject?: unknown;
  readonly verdict?: unknown;
}

function parse(text: string): Stored | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const precisions: readonly Precision[] = ['int8', 'float16', 'float32'];

function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, reason, difference, device, speed } = value as Record<string, unknown>;
  if (kind === 'failed') return typeof reason === 'string';
  const { precision } = (device ?? {}) as { precision?: unknown };
  const times = (speed ?? {}) as Record<string, unknown>;
  return (
    kind === 'works' &&
    typeof difference === 'number' &&
    precisions.some((known) => known === precision) &&
    ['tokens', 'context', 'deviceMs', 'cpuMs'].every((name) => typeof times[name] === 'number')
  );
}
