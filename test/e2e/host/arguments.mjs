// The part of VS Code's command line that the browser host understands.

/**
 * @typedef {object} Arguments
 * @property {string[]} extensionDevelopmentPaths
 * @property {string | undefined} extensionTestsPath
 * @property {string | undefined} userDataDir
 * @property {string | undefined} extensionsDir
 * @property {string[]} installExtensions
 * @property {boolean} workspaceTrust
 * @property {string | undefined} folder
 */

/**
 * Reads VS Code's own arguments, both `--name=value` and `--name value`. Switches that only mean something to
 * the desktop build (`--no-sandbox`, `--disable-updates`, …) are ignored. `--enable-workspace-trust` is our own: whoever
 * runs extension tests always passes `--disable-workspace-trust`.
 * @param {readonly string[]} argv
 * @returns {Arguments}
 */
export function parseArguments(argv) {
  const withValue = new Map([
    ['extensionDevelopmentPath', /** @type {string[]} */ ([])],
    ['extensionTestsPath', []],
    ['user-data-dir', []],
    ['extensions-dir', []],
    ['install-extension', []],
  ]);
  /** @type {string | undefined} */
  let folder;
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (!argument.startsWith('-')) {
      folder = argument;
      continue;
    }
    const [, name = '', value] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    withValue.get(name)?.push(value ?? argv[++i] ?? '');
  }
  const last = (/** @type {string} */ name) => withValue.get(name)?.at(-1);
  return {
    extensionDevelopmentPaths: withValue.get('extensionDevelopmentPath') ?? [],
    extensionTestsPath: last('extensionTestsPath'),
    userDataDir: last('user-data-dir'),
    extensionsDir: last('extensions-dir'),
    installExtensions: withValue.get('install-extension') ?? [],
    workspaceTrust: argv.includes('--enable-workspace-trust'),
    folder,
  };
}
