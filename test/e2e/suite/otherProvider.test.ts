import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasBridge, renderedTexts } from './bridge';
import { closeEverything, readyParafill } from './editor';
import { chooseInMessage, message } from './page';

const OFFER = 'Supermaven suggests code while you type, too';
const AUTOMATIC = 'parafill.enableAutomaticCompletions';

describe('beside another extension that shows ghost text', () => {
  const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration();

  before(async function () {
    if (!hasBridge) this.skip();
    await readyParafill();
  });
  after(async () => {
    await settings().update(AUTOMATIC, undefined, vscode.ConfigurationTarget.Global);
    await vscode.commands.executeCommand('notifications.clearAll');
    await closeEverything();
  });

  it('it is offered once, and not while the other one is idle, that ghost text comes on request only', async () => {
    const other = vscode.extensions.getExtension('Supermaven.supermaven');
    assert.ok(other !== undefined && !other.isActive, 'it is installed and not active');
    await other.activate();
    await vscode.commands.executeCommand('parafill.restartServer');
    const api = await readyParafill();
    await message(new RegExp(OFFER));

    await chooseInMessage('Only on Alt+\\', () => api.status?.kind === 'paused');
    assert.equal(settings().get(AUTOMATIC), false);

    await settings().update(AUTOMATIC, undefined, vscode.ConfigurationTarget.Global);
    await readyParafill();
    await vscode.commands.executeCommand('notifications.showList');
    const shown = await renderedTexts('.notification-list-item');
    assert.ok(!shown.some((text) => text.includes(OFFER)), shown.join());
  });
});
