import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where a document lies on disk; `undefined` for what lies nowhere, such as unsaved files. */
export function diskPath(uri: string): string | undefined {
  try {
    return uri.startsWith('file:') ? fileURLToPath(uri) : undefined;
  } catch {
    // On Windows a path without a drive is none.
    return undefined;
  }
}

/** The path of a document as the model and globs see it: with slashes, whatever its scheme. */
export function shownPath(uri: string): string {
  const path = diskPath(uri);
  if (path !== undefined) return path.split(sep).join('/');
  try {
    return decodeURIComponent(new URL(uri).pathname);
  } catch {
    return uri;
  }
}

/** The innermost of the folders that a file is in. */
export function folderOf(folders: readonly string[], path: string): string | undefined {
  return folders
    .filter((folder) => path.startsWith(join(folder, sep)))
    .sort((a, b) => b.length - a.length)[0];
}
