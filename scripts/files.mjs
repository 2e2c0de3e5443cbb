// Finding files, for the build and test scripts; Node 20 has no fs.globSync.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export { existsSync };

/** All files below root/folder for which `wanted` holds, sorted; an absent folder has none. */
export function globSync(
  /** @type {string} */ root,
  /** @type {string} */ folder,
  /** @type {(path: string) => boolean} */ wanted,
) {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  /** @type {string[]} */
  const found = [];
  for (const entry of readdirSync(start, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'fixtures') continue;
    const path = join(start, entry.name);
    if (entry.isDirectory()) found.push(...globSync(start, entry.name, wanted));
    else if (wanted(path)) found.push(path);
  }
  return found.sort();
}
