import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { contributedSettings, isValid, problemsWith } from '../../../client/src/settingSchema';

const schemas = contributedSettings(JSON.parse(readFileSync('package.json', 'utf8')));

describe('the settings of package.json', () => {
  it('have defaults that they allow themselves', () => {
    assert.ok(Object.keys(schemas).length > 10);
    for (const [name, schema] of Object.entries(schemas)) {
      assert.ok(schema.default !== undefined, name);
      assert.ok(isValid(schema, schema.default), name);
    }
  });

  const right: readonly (readonly [name: string, value: unknown])[] = [
    ['enable', false],
    ['enable', undefined],
    ['languages', { '*': true, css: false }],
    ['exclude', []],
    ['exclude', ['*.min.js']],
    ['quality', 'best'],
    ['candidates', 16],
    ['temperature', 0.5],
    ['modelPath', '/somewhere'],
  ];
  for (const [name, value] of right) {
    it(`${name} can be ${JSON.stringify({ value })}`, () => {
      const schema = schemas[`parafill.${name}`];
      assert.ok(schema);
      assert.ok(isValid(schema, value));
      assert.deepEqual(problemsWith(name, schema, value), []);
    });
  }

  const wrong: readonly (readonly [name: string, value: unknown, problem: object])[] = [
    ['enable', 'yes', { setting: 'enable', expected: 'boolean', came: '"yes"', used: 'true' }],
    ['steps', 4.5, { setting: 'steps', expected: 'integer (0…64)', came: '4.5', used: '0' }],
    ['candidates', 17, { setting: 'candidates', expected: 'integer (1…16)', came: '17', used: '3' }],
    ['candidates', '3', { setting: 'candidates', expected: 'integer (1…16)', came: '"3"', used: '3' }],
    ['temperature', -1, { setting: 'temperature', expected: 'number (0…2)', came: '-1', used: '0' }],
    ['modelPath', 7, { setting: 'modelPath', expected: 'string', came: '7', used: '""' }],
    ['exclude', ['a', 1], { setting: 'exclude', expected: 'array<string>', came: '["a",1]', used: '[]' }],
    ['exclude', '*.js', { setting: 'exclude', expected: 'array<string>', came: '"*.js"', used: '[]' }],
    ['languages', [], { setting: 'languages', expected: 'object<boolean>', came: '[]', used: '{"*":true}' }],
    ['languages', { css: 1 }, { setting: 'languages.css', expected: 'boolean', came: '1' }],
    [
      'quality',
      'good',
      { setting: 'quality', expected: '"fast", "balanced", "best"', came: '"good"', used: '"balanced"' },
    ],
  ];
  for (const [name, value, problem] of wrong) {
    it(`${name} cannot be ${JSON.stringify(value)}`, () => {
      const schema = schemas[`parafill.${name}`];
      assert.ok(schema);
      assert.equal(isValid(schema, value), false);
      assert.deepEqual(problemsWith(name, schema, value), [problem]);
    });
  }
});
