import { extname } from 'node:path';

/** VS Code's language ids by file name extension; all others are filled without promise. */
const languages: ReadonlyMap<string, string> = new Map([
  ['.ts', 'typescript'],
  ['.mts', 'typescript'],
  ['.cts', 'typescript'],
  ['.tsx', 'typescriptreact'],
  ['.js', 'javascript'],
  ['.mjs', 'javascript'],
  ['.cjs', 'javascript'],
  ['.jsx', 'javascriptreact'],
  ['.py', 'python'],
  ['.pyi', 'python'],
  ['.json', 'json'],
  ['.css', 'css'],
  ['.html', 'html'],
  ['.htm', 'html'],
  ['.md', 'markdown'],
]);

export function languageOf(path: string): string {
  return languages.get(extname(path).toLowerCase()) ?? 'other';
}
