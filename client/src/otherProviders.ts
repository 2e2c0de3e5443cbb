/** Another extension that shows ghost text. */
export interface OtherProvider {
  readonly name: string;
  readonly extensions: readonly string[];
  /** Settings that switch its ghost text off, and whether a value of one does. */
  readonly off?: Readonly<Record<string, (value: unknown) => boolean>>;
}

const isTrue = (value: unknown): boolean => value === true;
const isFalse = (value: unknown): boolean => value === false;
/** Languages with true or false, and `*` for all others. */
const hasFalseForAll = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && '*' in value && value['*'] === false;

const PROVIDERS: readonly OtherProvider[] = [
  {
    name: 'GitHub Copilot',
    extensions: ['GitHub.copilot', 'GitHub.copilot-chat'],
    off: { 'github.copilot.enable': hasFalseForAll, 'chat.disableAIFeatures': isTrue },
  },
  {
    name: 'Windsurf',
    extensions: ['Codeium.codeium'],
    off: { 'codeium.enableConfig': hasFalseForAll },
  },
  {
    name: 'Continue',
    extensions: ['Continue.continue'],
    off: { 'continue.enableTabAutocomplete': isFalse },
  },
  {
    name: 'Tabby',
    extensions: ['TabbyML.vscode-tabby'],
    off: { 'tabby.inlineCompletion.triggerMode': (value) => value === 'manual' },
  },
  {
    name: 'Cody',
    extensions: ['sourcegraph.cody-ai'],
    off: { 'cody.autocomplete.enabled': isFalse },
  },
  { name: 'Tabnine', extensions: ['TabNine.tabnine-vscode'] },
  { name: 'Supermaven', extensions: ['Supermaven.supermaven'] },
  { name: 'Amazon Q', extensions: ['AmazonWebServices.amazon-q-vscode'] },
  { name: 'Gemini Code Assist', extensions: ['Google.geminicodeassist'] },
];

/**
 * The first other provider whose extension runs and whose ghost text is not switched off: being installed is not
 * enough to be in the way.
 */
export function activeProvider(
  isActive: (extension: string) => boolean,
  setting: (name: string) => unknown,
): OtherProvider | undefined {
  return PROVIDERS.find(
    ({ extensions, off = {} }) =>
      extensions.some(isActive) && !Object.entries(off).some(([name, isOff]) => isOff(setting(name))),
  );
}
