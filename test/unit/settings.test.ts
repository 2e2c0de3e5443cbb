import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  DEFAULT_SETTINGS,
  isLanguageEnabled,
  LIMITS,
  parseSettings,
  QUALITIES,
  wantedEffort,
} from '../../server/src/settings';

describe('parseSettings', () => {
  for (const nothing of [undefined, null, {}]) {
    it(`gives the defaults for ${JSON.stringify({ nothing })}, without a word`, () => {
      assert.deepEqual(parseSettings(nothing), { settings: DEFAULT_SETTINGS, messages: [] });
    });
  }

  it('takes what is right', () => {
    const given = {
      enable: false,
      enableAutomaticCompletions: false,
      languages: { '*': false, python: true },
      exclude: ['*.min.js'],
      completeInComments: false,
      workspaceContext: false,
      quality: 'best',
      steps: 8,
      candidates: 5,
      maxTokens: 32,
      temperature: 0.5,
      threads: 2,
      provider: 'webgpu',
      modelPath: '/models/mine',
      maxFileSize: 5_000,
    };
    assert.deepEqual(parseSettings({ ...given, unknown: 1 }), { settings: given, messages: [] });
  });

  const wrong: readonly (readonly [section: unknown, message: RegExp])[] = [
    [[], /Setting parafill: expected an object, got \[\]; using all defaults instead/],
    [{ enable: 'yes' }, /parafill\.enable: expected true or false, got "yes"; using true instead/],
    [{ steps: 4.5 }, /parafill\.steps: expected a whole number from 0 to 64, got 4.5; using 0 instead/],
    [{ steps: -1 }, /parafill\.steps/],
    [{ candidates: '3' }, /parafill\.candidates: expected a whole number from 1 to 16, got "3"/],
    [{ temperature: 3 }, /parafill\.temperature: expected a number from 0 to 2, got 3/],
    [{ quality: 'good' }, /parafill\.quality: expected one of "fast", "balanced", "best", got "good"/],
    [{ provider: 'gpu' }, /parafill\.provider: expected one of "auto", "cpu", .*, got "gpu"; using "auto"/],
    [
      { modelPath: 7 },
      /parafill\.modelPath: expected the path of a folder, got 7; using the bundled model instead/,
    ],
    [{ exclude: '*.js' }, /parafill\.exclude: expected a list of globs such as/],
    [{ exclude: ['*.js', 7] }, /parafill\.exclude: expected a list of globs/],
    [{ languages: 'all' }, /parafill\.languages: expected an object such as/],
    [
      { languages: { css: 1 } },
      /parafill\.languages\.css: expected true or false, got 1; using no rule instead/,
    ],
  ];
  for (const [section, message] of wrong) {
    it(`puts the default in place of ${JSON.stringify(section)}`, () => {
      const { settings, messages } = parseSettings(section);
      assert.deepEqual(settings, DEFAULT_SETTINGS);
      assert.equal(messages.length, 1);
      assert.match(messages[0] ?? '', message);
    });
  }
});

describe('isLanguageEnabled', () => {
  const cases: readonly (readonly [languages: Record<string, boolean>, id: string, enabled: boolean])[] = [
    [{}, 'python', true],
    [{ '*': false }, 'python', false],
    [{ '*': false, python: true }, 'python', true],
    [{ '*': true, python: false }, 'python', false],
    [{ '*': true }, 'constructor', true],
  ];
  for (const [languages, id, enabled] of cases) {
    it(`${id} with ${JSON.stringify(languages)}: ${String(enabled)}`, () => {
      assert.equal(isLanguageEnabled({ ...DEFAULT_SETTINGS, languages }, id), enabled);
    });
  }
});

describe('wantedEffort', () => {
  it('follows the number, then the quality, then the model', () => {
    assert.deepEqual(wantedEffort({ ...DEFAULT_SETTINGS, steps: 3, quality: 'best' }), { steps: 3 });
    assert.equal(wantedEffort({ ...DEFAULT_SETTINGS, quality: 'fast' }).steps, 2);
    assert.equal(wantedEffort({ ...DEFAULT_SETTINGS, quality: 'best' }).steps, 16);
    assert.equal(wantedEffort(DEFAULT_SETTINGS).steps, undefined);
    const budgets = QUALITIES.map((quality) => wantedEffort({ ...DEFAULT_SETTINGS, quality }).budgetMs!);
    assert.deepEqual(budgets, [...budgets].sort((a, b) => a - b)); // prettier-ignore
  });
});

describe('package.json', () => {
  interface Property {
    readonly default?: unknown;
    readonly minimum?: number;
    readonly maximum?: number;
    readonly enum?: readonly string[];
  }
  interface Section {
    readonly properties: Readonly<Record<string, Property>>;
  }
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly contributes: { readonly configuration: Section | readonly Section[] };
  };
  const sections = [manifest.contributes.configuration].flat() as readonly Section[];
  const properties = Object.assign(
    {},
    ...sections.map((section) => section.properties),
  ) as Section['properties'];

  for (const [name, value] of Object.entries(DEFAULT_SETTINGS)) {
    it(`describes parafill.${name} to the editor as the server understands it`, () => {
      const property = properties[`parafill.${name}`];
      assert.ok(property, 'contributes.configuration lacks it');
      assert.deepEqual(property.default, value);
      if (name in LIMITS) {
        const { minimum, maximum } = LIMITS[name as keyof typeof LIMITS];
        assert.deepEqual([property.minimum, property.maximum], [minimum, maximum]);
      }
      if (name === 'quality') assert.deepEqual(property.enum, QUALITIES);
    });
  }
});
