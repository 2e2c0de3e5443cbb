// The licences of everything that is shipped, as these licences ask for.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { globSync } from './files.mjs';

/** Shipped as they are and so in no bundle. */
const unbundled = ['onnxruntime-node', 'onnxruntime-common', '@vscode/tree-sitter-wasm'];

/** The text of THIRD-PARTY-NOTICES.txt. Which packages the bundles contain, their source maps tell. */
export function thirdPartyNotices(/** @type {string} */ root) {
  const folders = new Set(unbundled.map((name) => join('node_modules', name)));
  for (const map of globSync(root, 'dist', (path) => path.endsWith('.js.map'))) {
    for (const source of JSON.parse(readFileSync(map, 'utf8')).sources) {
      const folder = /(?:^|\.\.\/)((?:node_modules\/(?:@[^/]+\/)?[^/]+\/)+)/.exec(source)?.[1];
      if (folder !== undefined) folders.add(folder.replace(/\/$/, ''));
    }
  }
  const notices = [...folders].sort().map((folder) => notice(join(root, folder)));
  return `Parafill contains these works of others.\n\n${notices.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

function notice(/** @type {string} */ folder) {
  const { name, version, license, author, homepage } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)(\.|$)/i.test(entry));
  const holder = typeof author === 'object' ? author.name : (author ?? homepage ?? name);
  const text =
    file === undefined
      ? `Licence: ${license}\nCopyright (c) ${holder}`
      : readFileSync(join(folder, file), 'utf8').trim();
  return `${name} ${version}\n\n${text}\n`;
}
