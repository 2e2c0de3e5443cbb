import { join, resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { errorMessage } from '../base/async';
import { type Provider, PROVIDERS } from '../base/device';
import { INFILL_MODES, type InfillRequest } from '../inference/messages';

/** The command line is not understood; the help is shown with it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What both commands take: how to decode, and with what. */
export interface CommonOptions {
  readonly decoding: Omit<InfillRequest, 'language' | 'path' | 'segments' | 'lengths'>;
  readonly modelPath: string;
  readonly threads: number | undefined;
  readonly provider: Provider | 'auto';
  readonly verbose: boolean;
}

const commonOptions = {
  mode: { type: 'string' },
  steps: { type: 'string' },
  threshold: { type: 'string' },
  candidates: { type: 'string' },
  temperature: { type: 'string' },
  'top-p': { type: 'string' },
  seed: { type: 'string' },
  'max-tokens': { type: 'string' },
  threads: { type: 'string' },
  provider: { type: 'string' },
  model: { type: 'string' },
  verbose: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options'];

export const commonHelp = `  --steps K          denoising passes at most, the one that finds the lengths included
  --mode M           diffusion; ar: the same weights, token by token; both (default, what the editor asks for): the likelier
                     answers; several holes jointly, then each alone; verify: what ar gives, drafted and checked in parallel
  --candidates N     how many different fills are wanted (default 1)
  --temperature T    0 (default) takes the likeliest tokens, above it they are drawn
  --top-p P          mass of the tokens that are drawn from (default 0.95)
  --threshold C      a token this sure (0 to 1) is decided at once
  --seed S           of what is drawn (default 0)
  --max-tokens N     the most tokens of one hole (default 64)
  --threads T        threads of the inference process (default: chosen for the machine)
  --provider P       what runs the model: cpu (default), webgpu, cuda, dml, coreml, or auto, whatever is fastest
  --model DIR        another model folder
  --verbose          what the inference process says, on standard error`;

/** Values of the flags that only one command knows, by name. */
export type Flags = ReadonlyMap<string, boolean>;

/**
 * @param flagNames the boolean options of this command alone.
 * @throws {UsageError}
 */
export function parseArguments(
  args: readonly string[],
  flagNames: readonly string[],
): { common: CommonOptions; flags: Flags; positionals: string[] } {
  const flagOptions = Object.fromEntries(flagNames.map((name) => [name, { type: 'boolean' as const }]));
  let values: Partial<Record<string, string | boolean | (string | boolean)[]>>;
  let positionals: string[];
  try {
    const options: NonNullable<ParseArgsConfig['options']> = { ...flagOptions, ...commonOptions };
    ({ values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true }));
  } catch (error) {
    throw new UsageError(errorMessage(error), { cause: error });
  }
  const text = (name: keyof typeof commonOptions): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: keyof typeof commonOptions, min: number, max: number, whole: boolean) =>
    parseNumber(name, text(name), min, max, whole);

  const optional = {
    maxTokens: number('max-tokens', 1, 1e6, true),
    steps: number('steps', 1, 1024, true),
    threshold: number('threshold', 0, 10, false),
    topP: number('top-p', 0, 1, false),
  };
  const common: CommonOptions = {
    decoding: {
      mode: oneOf('mode', text('mode') ?? 'both', INFILL_MODES),
      candidates: number('candidates', 1, 256, true) ?? 1,
      temperature: number('temperature', 0, 100, false) ?? 0,
      seed: number('seed', 0, 2 ** 32 - 1, true) ?? 0,
      ...withoutUndefined(optional),
    },
    modelPath: resolve(text('model') ?? join(__dirname, '..', 'models', 'parafill-small')),
    threads: number('threads', 1, 256, true),
    provider: oneOf('provider', text('provider') ?? 'cpu', ['auto', ...PROVIDERS]),
    verbose: values['verbose'] === true,
  };
  return { common, flags: new Map(flagNames.map((name) => [name, values[name] === true])), positionals };
}

/** @throws {UsageError} naming the option, what was expected and what came. */
export function parseNumber(
  name: string,
  text: string | undefined,
  min: number,
  max: number,
  whole: boolean,
): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(
    `--${name}: expected a ${whole ? 'whole ' : ''}number from ${min} to ${max}, got "${text}"`,
  );
}

function oneOf<Value extends string>(name: string, text: string, values: readonly Value[]): Value {
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  const expected = values.map((value) => `"${value}"`).join(' or ');
  throw new UsageError(`--${name}: expected ${expected}, got "${text}"`);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
