import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What package.json offers to people has to be tried in a real editor: by its whole name, in some test there. */
describe('end-to-end tests', () => {
  const folder = 'test/e2e/suite';
  const tests = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  const { contributes } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly contributes: {
      readonly commands: readonly { readonly command: string }[];
      readonly configuration: readonly { readonly properties: Readonly<Record<string, unknown>> }[];
      readonly walkthroughs: readonly { readonly id: string }[];
    };
  };
  const names = [
    ...contributes.commands.map(({ command }) => command),
    ...contributes.configuration.flatMap(({ properties }) => Object.keys(properties)),
    ...contributes.walkthroughs.map(({ id }) => `parafill.parafill#${id}`),
  ];

  const [, kinds = ''] = /StatusKind = ([^;]*);/.exec(readFileSync('server/src/protocol.ts', 'utf8')) ?? [];
  const statuses = kinds.split('|').map((kind) => kind.trim());

  for (const status of statuses)
    it(`see the status ${status}`, () => {
      assert.match(status, /^'[a-z]+'$/);
      const inTitle = new RegExp(`it\\(.*${status}`);
      assert.ok(inTitle.test(tests), `no test of ${folder} has the status ${status} in its title`);
    });

  it('are many', () => {
    assert.ok(names.length > 20);
  });

  for (const name of names) {
    it(`try ${name}`, () => {
      // `parafill.steps` is not tried by a test of `parafill.stepsAndMore`.
      const whole = new RegExp(`${name.replaceAll('.', '\\.')}(?![\\w.]*\\w)`);
      assert.ok(whole.test(tests), `no test of ${folder} mentions ${name}`);
    });
  }
});
