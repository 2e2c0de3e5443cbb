import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { hasBridge, renderedTexts } from './bridge';
import { closeEverything, eventually, openFile, parafill, readyParafill } from './editor';
import { message } from './page';

const all = vscode.ConfigurationTarget.Global;

function settings(): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration();
}

/** The titles of the list that is open. */
function offered(): Promise<readonly string[]> {
  return renderedTexts('.quick-input-list .monaco-list-row .quick-input-list-label');
}

describe('the state', () => {
  before(readyParafill);
  afterEach(closeEverything);

  it('parafill.toggleAutomaticCompletions pauses and resumes', async () => {
    const api = await readyParafill();
    await vscode.commands.executeCommand('parafill.toggleAutomaticCompletions');
    await eventually('the pause', () => api.status?.kind === 'paused');
    assert.equal(settings().get('parafill.enableAutomaticCompletions'), false);
    await vscode.commands.executeCommand('parafill.toggleAutomaticCompletions');
    await readyParafill();
    await settings().update('parafill.enableAutomaticCompletions', undefined, all);
  });

  it('parafill.showLog shows the log', async function () {
    await vscode.commands.executeCommand('parafill.showLog');
    if (!hasBridge) this.skip();
    await eventually('the log', async () => {
      return (await renderedTexts('.panel .output-view, .panel .view-lines')).length > 0;
    });
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });

  it('parafill.showActions offers what there is to do', async function () {
    if (!hasBridge) this.skip();
    const done = vscode.commands.executeCommand('parafill.showActions');
    const labels = await eventually('the list', async () => {
      const texts = await offered();
      return texts.length > 0 && texts;
    });
    for (const action of ['Why No Suggestion?', 'Show Log', 'Select Model…', 'Restart Server'])
      assert.ok(
        labels.some((label) => label.includes(action)),
        labels.join(),
      );
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await done;
  });

  it('parafill.openSample opens something to complete', async () => {
    await vscode.commands.executeCommand('parafill.openSample');
    const { document, selection } = vscode.window.activeTextEditor ?? assert.fail('no editor');
    assert.equal(document.languageId, 'typescript');
    assert.equal(document.lineAt(selection.active.line).text, '  return ');
    assert.match(document.getText(), /⟦⟧.*⟦⟧/);
    const api = await readyParafill();
    await eventually('a request for it', async () => {
      const outcome = await api.lastOutcome();
      return outcome?.uri === document.uri.toString() && outcome.candidatesComputed > 0;
    });
  });

  it('the walkthrough opens', async function () {
    await vscode.commands.executeCommand('workbench.action.openWalkthrough', 'parafill.parafill#start');
    if (!hasBridge) this.skip();
    await eventually('its first step', async () => {
      return (await renderedTexts('.gettingStartedContainer')).join().includes('See a first suggestion');
    });
  });

  it('parafill.runBenchmark writes a report', async () => {
    await vscode.commands.executeCommand('parafill.runBenchmark');
    const document = vscode.window.activeTextEditor?.document;
    assert.equal(document?.languageId, 'markdown');
    const report = document.getText();
    for (const way of ['1 step', '2 steps', '4 steps', '8 steps', 'token by token'])
      assert.match(report, new RegExp(`^\\| ${way} \\| \\d`, 'm'));
    assert.doesNotMatch(report, /NaN|undefined/);
  });

  describe('parafill.selectModel', () => {
    afterEach(() => settings().update('parafill.modelPath', undefined, all));

    it('takes a folder with a usable model', async () => {
      const api = await readyParafill();
      const { path: bundled, name } = api.status?.model ?? assert.fail('no model');
      await vscode.commands.executeCommand('parafill.selectModel', bundled);
      assert.equal(settings().get('parafill.modelPath'), bundled);
      assert.equal((await readyParafill()).status?.model?.name, name);
      await vscode.commands.executeCommand('parafill.selectModel', '');
      assert.equal(settings().get('parafill.modelPath'), '');
    });

    it('changes nothing for a folder without one, and says why', async () => {
      const empty = mkdtempSync(join(tmpdir(), 'parafill-empty-'));
      try {
        await vscode.commands.executeCommand('parafill.selectModel', empty);
        assert.equal(settings().get('parafill.modelPath'), '');
        await message(/manifest\.json/);
      } finally {
        rmSync(empty, { recursive: true });
        await vscode.commands.executeCommand('notifications.clearAll');
      }
    });

    it('offers the bundled model and a folder', async function () {
      if (!hasBridge) this.skip();
      const done = vscode.commands.executeCommand('parafill.selectModel');
      await eventually('the list', async () => {
        const labels = (await offered()).join();
        return labels.includes('Bundled model') && labels.includes('Choose a folder…');
      });
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      await done;
    });
  });

  it('says once which setting has the wrong type, and what is used instead', async () => {
    const { log } = await parafill();
    const complaints = () => log.filter((line) => line.includes('parafill.steps should be'));
    const before = complaints().length;
    await settings().update('parafill.steps', 'many', all);
    try {
      const [line] = await eventually(
        'the warning',
        () => complaints().length > before && complaints().slice(before),
      );
      assert.match(line ?? '', /should be integer \(0…64\), but is "many"; 0 is used instead/);
      await openFile('src/account.py');
      assert.equal(complaints().length, before + 1);
    } finally {
      await settings().update('parafill.steps', undefined, all);
      await vscode.commands.executeCommand('notifications.clearAll');
    }
  });
});
