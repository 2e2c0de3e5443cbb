import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasBridge, renderedTexts } from './bridge';
import { closeEverything, eventually, openFile, parafill, readyParafill } from './editor';

interface Contributions {
  readonly commands: readonly { readonly command: string }[];
  readonly keybindings: readonly { readonly key: string; readonly mac?: string; readonly when?: string }[];
}

function contributions(): Contributions {
  const extension = vscode.extensions.getExtension('parafill.parafill');
  assert.ok(extension);
  return (extension.packageJSON as { readonly contributes: Contributions }).contributes;
}

describe('activation', () => {
  after(closeEverything);

  it('starts no process before there is a document', async () => {
    // The first test of the first file: nothing was opened before.
    assert.equal(vscode.window.activeTextEditor, undefined);
    const { status } = await parafill();
    assert.equal(status?.reason, 'Starts with the first file.');
    assert.equal(status.inferencePid, undefined);
  });

  it('is quick, by the account of the editor', async function () {
    if (!hasBridge) this.skip();
    await parafill();
    await vscode.commands.executeCommand('workbench.action.showRuntimeExtensions');
    const { ours, others } = await eventually('its activation time', async () => {
      const rows = await renderedTexts('.runtime-extensions-editor .monaco-list-row');
      const times = rows.map((row) => ({ row, ms: /Activation: (\d+) ?ms/.exec(row)?.[1] }));
      const isOurs = ({ row }: { readonly row: string }): boolean => /parafill(?!-driver)/i.test(row);
      const found = times.find((entry) => isOurs(entry) && entry.ms !== undefined);
      return found && { ours: found.ms, others: times.filter((entry) => !isOurs(entry)) };
    });
    // What the others took at the same start tells how busy the machine was.
    console.log(`    activated in ${ours} ms; others in ${others.map(({ ms = '?' }) => ms).join(', ')} ms`);
  });

  it('registers every command it contributes', async () => {
    await parafill();
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = contributions().commands.filter(({ command }) => !registered.has(command));
    assert.deepEqual(missing, []);
  });

  it('loads the model with the first document and tells its name, provider and process', async () => {
    await openFile('src/vector.ts');
    const { status } = await readyParafill();
    assert.ok(status?.model, 'the status names no model');
    assert.notEqual(status.model.name, '');
    const { extensionPath } = vscode.extensions.getExtension('parafill.parafill') ?? {};
    assert.ok(
      extensionPath !== undefined && status.model.path.startsWith(extensionPath),
      `the model of ${status.model.path} is not the one that came with the extension`,
    );
    assert.equal(status.provider, 'cpu');
    assert.ok((status.inferencePid ?? 0) > 0, 'the status names no inference process');
  });

  it('answers "Why No Suggestion?" in a sentence', async () => {
    const answer = await vscode.commands.executeCommand<string>('parafill.whyNoSuggestion');
    assert.match(answer, /\w+ \w+/);
  });

  it('keeps its hands off the keys that people need elsewhere', () => {
    const taken = /^(tab|escape|shift\+escape|(ctrl|cmd)\+[cxl])$/i;
    for (const { key, mac, when } of contributions().keybindings) {
      // A preview of a candidate is a window of our own, where Esc closes it.
      if (when?.includes('parafill.candidatePreview') !== true) {
        assert.doesNotMatch(key, taken);
        if (mac !== undefined) assert.doesNotMatch(mac, taken);
      }
      assert.doesNotMatch(key, /^tab$/i);
      assert.match(when ?? '', /editorTextFocus/);
    }
  });

  it('works on after its inference process was killed', async () => {
    const api = await readyParafill();
    const pid = api.status?.inferencePid;
    assert.ok(pid);
    process.kill(pid, 'SIGKILL');
    const next = await eventually('another inference process', () => {
      const { kind, inferencePid } = api.status ?? {};
      return (kind === 'ready' || kind === 'slow') && inferencePid !== pid && inferencePid;
    });
    assert.notEqual(next, pid);
  });

  it('restarts its server on request', async () => {
    await vscode.commands.executeCommand('parafill.restartServer');
    await readyParafill();
  });

  it('restarts it once when asked again before it runs, and counts no crash', async () => {
    const api = await readyParafill();
    const logged = api.log.length;
    const restarts = [0, 1, 2].map(() => vscode.commands.executeCommand('parafill.restartServer'));
    await Promise.all(restarts);
    await readyParafill();
    const lines = api.log.slice(logged);
    assert.equal(lines.filter((line) => line.endsWith('Restarting the server.')).length, 1, lines.join('\n'));
    assert.deepEqual(
      lines.filter((line) => /unexpectedly|did not stop/.test(line)),
      [],
    );
  });
});
