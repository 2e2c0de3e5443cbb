import { minimatch } from 'minimatch';

/**
 * The first of the globs that matches a document; `undefined` when none does. As people expect it of `*.min.js`
 * and `generated/**`, a glob matches at any depth unless it begins with a slash or a drive.
 *
 * @param isWindows whether a backslash in a glob separates folders, and escapes nothing.
 */
export function excludedBy(
  uri: string,
  globs: readonly string[],
  isWindows = process.platform === 'win32',
): string | undefined {
  if (globs.length === 0) return undefined;
  const path = withSmallDrive(pathOf(uri));
  return globs.find((glob) =>
    minimatch(path, anchored(glob, isWindows), { dot: true, nonegate: true, nocomment: true }),
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

function anchored(glob: string, isWindows: boolean): string {
  const hasDrive = /^[a-z]:[\\/]/i.test(glob);
  const slashed = hasDrive || isWindows ? glob.replaceAll('\\', '/') : glob;
  if (hasDrive) return withSmallDrive(`/${slashed}`);
  return /^(\/|\*\*\/)/.test(slashed) ? withSmallDrive(slashed) : `**/${slashed}`;
}

/** Editors and file systems do not agree on how a drive is written. */
function withSmallDrive(path: string): string {
  return path.replace(/^\/[A-Z]:/, (drive) => drive.toLowerCase());
}
