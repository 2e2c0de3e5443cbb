import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

describe('texts for people', () => {
  const manifest = readFileSync('package.json', 'utf8');

  it('of the manifest are all in package.nls.json, and none is left over', () => {
    const used = [...manifest.matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key ?? '');
    const defined = Object.keys(JSON.parse(readFileSync('package.nls.json', 'utf8')) as object);
    assert.deepEqual([...new Set(used)].sort(), defined.sort());
  });

  it('of the client are all in the bundle that translations start from', () => {
    const result = spawnSync(process.execPath, ['scripts/l10n.mjs', '--check'], { encoding: 'utf8' });
    assert.equal(result.status, 0, result.stderr);
  });

  it('are not written into the manifest itself', () => {
    const { contributes } = JSON.parse(manifest) as {
      readonly contributes: {
        readonly commands: readonly { readonly title: string }[];
        readonly walkthroughs: readonly {
          readonly steps: readonly {
            readonly title: string;
            readonly description: string;
            readonly media: { readonly image: Readonly<Record<string, string>>; readonly altText: string };
          }[];
        }[];
      };
    };
    const steps = contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);
    const texts = [
      ...contributes.commands.map(({ title }) => title),
      ...steps.flatMap(({ title, description, media }) => [title, description, media.altText]),
    ];
    for (const text of texts) assert.match(text, /^%.+%$/);
    for (const { media } of steps)
      for (const theme of ['dark', 'light', 'hc', 'hcLight']) {
        const picture = media.image[theme] ?? '';
        assert.ok(existsSync(picture), `${media.altText} has no picture for ${theme}`);
      }
  });

  it('of the walkthrough offer commands that there are', () => {
    const texts = Object.values(
      JSON.parse(readFileSync('package.nls.json', 'utf8')) as Record<string, string>,
    );
    const offered = texts.flatMap((text) =>
      [...text.matchAll(/\(command:([\w.]+)\)/g)].map(([, id]) => id ?? ''),
    );
    assert.ok(offered.length >= 5);
    for (const id of offered) assert.ok(manifest.includes(`"command": "${id}"`), id);
  });
});
