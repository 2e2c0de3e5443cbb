import assert from 'node:assert/strict';
import { activeProvider } from '../../../client/src/otherProviders';

describe('activeProvider', () => {
  const cases: readonly {
    readonly active: readonly string[];
    readonly settings?: Readonly<Record<string, unknown>>;
    readonly is: string | undefined;
  }[] = [
    { active: [], is: undefined },
    { active: ['ms-python.python'], is: undefined },
    { active: ['GitHub.copilot'], is: 'GitHub Copilot' },
    {
      active: ['GitHub.copilot-chat'],
      settings: { 'github.copilot.enable': { '*': true } },
      is: 'GitHub Copilot',
    },
    { active: ['GitHub.copilot'], settings: { 'github.copilot.enable': { '*': false } }, is: undefined },
    { active: ['GitHub.copilot'], settings: { 'chat.disableAIFeatures': true }, is: undefined },
    { active: ['Supermaven.supermaven'], settings: { 'chat.disableAIFeatures': true }, is: 'Supermaven' },
    {
      active: ['TabbyML.vscode-tabby'],
      settings: { 'tabby.inlineCompletion.triggerMode': 'manual' },
      is: undefined,
    },
    {
      active: ['TabbyML.vscode-tabby'],
      settings: { 'tabby.inlineCompletion.triggerMode': 'automatic' },
      is: 'Tabby',
    },
    { active: ['sourcegraph.cody-ai'], settings: { 'cody.autocomplete.enabled': false }, is: undefined },
    { active: ['sourcegraph.cody-ai'], is: 'Cody' },
  ];
  for (const { active, settings = {}, is } of cases) {
    it(`${active.join()} with ${JSON.stringify(settings)}: ${String(is)}`, () => {
      const provider = activeProvider(
        (id) => active.includes(id),
        (name) => settings[name],
      );
      assert.equal(provider?.name, is);
    });
  }
});
