import { minimatch } from 'minimatch';

/**
 * The first of the globs that matches a document; `undefined` when none does. As people expect it of `*.min.js`
 * and `generated/**`, a glob matches at any depth unless it begins with a slash or a drive.
 */
export function excludedBy(uri: string, globs: readonly string[]): string | undefined {
  if (globs.length === 0) return undefined;
  const path = pathOf(uri);
  return globs.find((glob) =>
    minimatch(path, anchored(glob), { dot: true, nonegate: true, nocomment: true }),
  );
}

/** The path of a URI of any scheme, with slashes: cells of notebooks and unsaved files have one, too. */
function pathOf(uri: string): string {
  try {
    return decodeURIComponent(new URL(uri).pathname);
  } catch {
    return uri;
  }
}

function anchored(glob: string): string {
  if (/^[a-z]:[\\/]/i.test(glob)) return `/${glob.replaceAll('\\', '/')}`;
  return /^(\/|\*\*\/)/.test(glob) ? glob : `**/${glob}`;
}
