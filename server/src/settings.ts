/**
 * The settings, parsed once into a readonly value. This file is the authority on their names,
 * types, limits and defaults; package.json describes the same to the editor.
 *
 * A setting of the wrong type or outside its limits never stops the server: the default takes its
 * place and a message says what was expected and what came.
 */

import { type Provider, PROVIDERS } from './base/device';

export type Quality = 'fast' | 'balanced' | 'best';

export interface Settings {
  /** `parafill.enable`: false switches every feature of the server off. */
  readonly enable: boolean;
  /** `parafill.enableAutomaticCompletions`: false leaves completion to the explicit trigger. */
  readonly enableAutomaticCompletions: boolean;
  /** `parafill.languages`: language id → on or off; `*` is the rule for all others. */
  readonly languages: Readonly<Record<string, boolean>>;
  /** `parafill.exclude`: globs of files that get no automatic completion. */
  readonly exclude: readonly string[];
  /** `parafill.completeInComments`: false leaves comments to the explicit trigger. */
  readonly completeInComments: boolean;
  /** `parafill.workspaceContext`: whether the model is shown pieces of other files. */
  readonly workspaceContext: boolean;
  /** `parafill.quality`: chooses the number of steps while `steps` is 0. */
  readonly quality: Quality;
  /** `parafill.steps`: a fixed number of denoising steps, or 0 for automatic. */
  readonly steps: number;
  /** `parafill.candidates`: how many alternatives an explicit request computes. */
  readonly candidates: number;
  /** `parafill.maxTokens`: the longest fill of one hole, in tokens. */
  readonly maxTokens: number;
  /** `parafill.temperature`: 0 takes the likeliest; above, candidates are drawn. */
  readonly temperature: number;
  /** `parafill.threads`: threads of the inference process, or 0 for automatic. */
  readonly threads: number;
  /** `parafill.provider`: what the model runs on, or `auto` for whatever is fastest. */
  readonly provider: Provider | 'auto';
  /** `parafill.modelPath`: folder of another model, or empty for the bundled one. */
  readonly modelPath: string;
  /** `parafill.maxFileSize`: larger documents (in UTF-16 units) get no automatic completion. */
  readonly maxFileSize: number;
}

export const DEFAULT_SETTINGS: Settings = {
  enable: true,
  enableAutomaticCompletions: true,
  languages: { '*': true },
  exclude: [],
  completeInComments: true,
  workspaceContext: true,
  quality: 'balanced',
  steps: 0,
  candidates: 3,
  maxTokens: 64,
  temperature: 0,
  threads: 0,
  provider: 'auto',
  modelPath: '',
  maxFileSize: 10_000_000,
};

export const QUALITIES: readonly Quality[] = ['fast', 'balanced', 'best'];
export const PROVIDER_CHOICES: readonly Settings['provider'][] = ['auto', ...PROVIDERS];

/** The limits of the numeric settings, both ends included. */
export const LIMITS = {
  steps: { minimum: 0, maximum: 64, integer: true },
  candidates: { minimum: 1, maximum: 16, integer: true },
  maxTokens: { minimum: 1, maximum: 128, integer: true },
  temperature: { minimum: 0, maximum: 2, integer: false },
  threads: { minimum: 0, maximum: 256, integer: true },
  maxFileSize: { minimum: 1_000, maximum: 1_000_000_000, integer: true },
} as const;

export interface ParsedSettings {
  readonly settings: Settings;
  /** One sentence per value that could not be used. */
  readonly messages: readonly string[];
}

/**
 * Reads the `parafill` section as an editor delivers it (any JSON value). Missing settings get
 * their defaults silently; unknown keys are ignored, they may belong to the client.
 */
export function parseSettings(section: unknown): ParsedSettings {
  const messages: string[] = [];
  if (section === undefined || section === null) return { settings: DEFAULT_SETTINGS, messages };
  if (!isRecord(section)) {
    messages.push(complaint('', 'an object', section, 'all defaults'));
    return { settings: DEFAULT_SETTINGS, messages };
  }
  const source = section;

  function flag(
    name: 'enable' | 'enableAutomaticCompletions' | 'completeInComments' | 'workspaceContext',
  ): boolean {
    const value = source[name];
    if (value === undefined || value === null) return DEFAULT_SETTINGS[name];
    if (typeof value === 'boolean') return value;
    messages.push(complaint(name, 'true or false', value, DEFAULT_SETTINGS[name]));
    return DEFAULT_SETTINGS[name];
  }

  function number(name: keyof typeof LIMITS): number {
    const value = source[name];
    if (value === undefined || value === null) return DEFAULT_SETTINGS[name];
    const { minimum, maximum, integer } = LIMITS[name];
    if (
      typeof value === 'number' &&
      value >= minimum &&
      value <= maximum &&
      (!integer || Number.isInteger(value))
    ) {
      return value;
    }
    const kind = integer ? 'a whole number' : 'a number';
    const expected = `${kind} from ${String(minimum)} to ${String(maximum)}`;
    messages.push(complaint(name, expected, value, DEFAULT_SETTINGS[name]));
    return DEFAULT_SETTINGS[name];
  }

  function oneOf<Name extends 'quality' | 'provider'>(
    name: Name,
    known: readonly Settings[Name][],
  ): Settings[Name] {
    const value = source[name];
    if (value === undefined || value === null) return DEFAULT_SETTINGS[name];
    const found = known.find((choice) => choice === value);
    if (found !== undefined) return found;
    const expected = `one of ${known.map((choice) => JSON.stringify(choice)).join(', ')}`;
    messages.push(complaint(name, expected, value, DEFAULT_SETTINGS[name]));
    return DEFAULT_SETTINGS[name];
  }

  function path(): string {
    const value = source['modelPath'];
    if (value === undefined || value === null) return DEFAULT_SETTINGS.modelPath;
    if (typeof value === 'string') return value.trim();
    messages.push(complaint('modelPath', 'the path of a folder', value, 'the bundled model'));
    return DEFAULT_SETTINGS.modelPath;
  }

  function languages(): Readonly<Record<string, boolean>> {
    const value = source['languages'];
    if (value === undefined || value === null) return DEFAULT_SETTINGS.languages;
    if (!isRecord(value)) {
      const expected = 'an object such as {"*": true, "markdown": false}';
      messages.push(complaint('languages', expected, value, DEFAULT_SETTINGS.languages));
      return DEFAULT_SETTINGS.languages;
    }
    const languages = new Map<string, boolean>(Object.entries(DEFAULT_SETTINGS.languages));
    for (const [language, enabled] of Object.entries(value)) {
      if (typeof enabled === 'boolean') languages.set(language, enabled);
      else messages.push(complaint(`languages.${language}`, 'true or false', enabled, 'no rule'));
    }
    return Object.fromEntries(languages);
  }

  function exclude(): readonly string[] {
    const value = source['exclude'];
    if (value === undefined || value === null) return DEFAULT_SETTINGS.exclude;
    if (Array.isArray(value) && value.every((glob) => typeof glob === 'string')) return value;
    messages.push(
      complaint('exclude', 'a list of globs such as ["*.min.js"]', value, DEFAULT_SETTINGS.exclude),
    );
    return DEFAULT_SETTINGS.exclude;
  }

  const settings: Settings = {
    enable: flag('enable'),
    enableAutomaticCompletions: flag('enableAutomaticCompletions'),
    languages: languages(),
    exclude: exclude(),
    completeInComments: flag('completeInComments'),
    workspaceContext: flag('workspaceContext'),
    quality: oneOf('quality', QUALITIES),
    steps: number('steps'),
    candidates: number('candidates'),
    maxTokens: number('maxTokens'),
    temperature: number('temperature'),
    threads: number('threads'),
    provider: oneOf('provider', PROVIDER_CHOICES),
    modelPath: path(),
    maxFileSize: number('maxFileSize'),
  };
  return { settings, messages };
}

/** The rule for a language: its own entry, else that of `*`, else on. */
export function isLanguageEnabled(settings: Settings, languageId: string): boolean {
  const { languages } = settings;
  const own = Object.hasOwn(languages, languageId) ? languages[languageId] : undefined;
  return own ?? languages['*'] ?? true;
}

/** What decoding may cost: `steps` at most (absent: as the model's manifest says) within `budgetMs`, if any. */
export interface DecodingEffort {
  readonly steps?: number;
  readonly budgetMs?: number;
}

/**
 * What an explicit command may cost. A fixed number of steps is taken however long that takes; else a slow
 * machine takes as many of the wanted ones as it has time for.
 */
export function wantedEffort({ steps, quality }: Settings): DecodingEffort {
  if (steps > 0) return { steps };
  switch (quality) {
    case 'fast':
      return { steps: 2, budgetMs: 1_000 };
    case 'balanced':
      return { budgetMs: 3_000 };
    case 'best':
      return { steps: 16, budgetMs: 10_000 };
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function complaint(name: string, expected: string, came: unknown, used: unknown): string {
  const key = name === '' ? 'parafill' : `parafill.${name}`;
  const shown = JSON.stringify(came);
  const cut = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown;
  const instead = typeof used === 'string' && used.includes(' ') ? used : JSON.stringify(used);
  return `Setting ${key}: expected ${expected}, got ${cut}; using ${instead} instead.`;
}
