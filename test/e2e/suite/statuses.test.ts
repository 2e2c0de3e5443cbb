import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as vscode from 'vscode';
import type { StatusKind } from '../../../server/src/protocol';
import { isAlive } from '../../processes';
import { hasBridge, hover, idle, renderedTexts, takeMouseAway } from './bridge';
import { closeEverything, editorWith, eventually, parafill, readyParafill, type } from './editor';
import { message } from './page';

const everywhere = vscode.ConfigurationTarget.Global;
/** Much longer than an automatic completion may take: what waits for a pause in typing does not count. */
const TOO_LONG_MS = 1_500;

describe('the status', () => {
  beforeEach(readyParafill);
  afterEach(closeEverything);

  async function eventuallyIs(kind: StatusKind): Promise<void> {
    const api = await parafill();
    await eventually(`the status ${kind}`, () => api.status?.kind === kind);
  }

  /** What the language status of the editor shows of Parafill. */
  async function assertShown(what: RegExp): Promise<void> {
    if (!hasBridge) return;
    await eventually(`a language status like ${String(what)}`, async () => {
      await hover('[id="status.languageStatus"]');
      return (await renderedTexts('.hover-language-status')).some((text) => what.test(text));
    });
    await takeMouseAway();
  }

  /** Types a character and waits until the model has answered it. */
  async function typeAndWait(character: string, meanwhile?: () => Promise<void>): Promise<void> {
    if (hasBridge) await idle();
    const api = await parafill();
    const before = (await api.lastOutcome())?.at ?? 0;
    await type(character);
    await meanwhile?.();
    await eventually('an answer of the model', async () => {
      const outcome = await api.lastOutcome();
      return outcome !== null && outcome.at > before && outcome.effort !== undefined;
    });
  }

  it("'ready' shows the device and the milliseconds that were measured", async () => {
    await editorWith('const first = 1;\nconst second = |;\n');
    await typeAndWait('f');
    await eventuallyIs('ready');
    await assertShown(/Parafill · \d+ ms.*parafill-small.*cpu.*Actions/s);
  });

  it("'slow' and 'ready' follow what the machine can do", async () => {
    const settings = vscode.workspace.getConfiguration();
    const api = await readyParafill();
    const pid = api.status?.inferencePid ?? assert.fail('no inference process');
    // Another setting makes it forget what it has measured, in a moment: the first answers may still count for nothing.
    await settings.update('parafill.candidates', 4, everywhere);
    try {
      await eventually('no measurement', () => api.status?.measuredMs === undefined);
      await editorWith('const first = 1;\nconst second = |;\n');
      for (const character of '§$ß§$ß') {
        if (api.status?.kind === 'slow') break;
        process.kill(pid, 'SIGSTOP');
        try {
          await typeAndWait(character, async () => {
            const end = performance.now() + TOO_LONG_MS;
            await eventually('a long time', () => performance.now() > end);
            process.kill(pid, 'SIGCONT');
          });
        } finally {
          process.kill(pid, 'SIGCONT');
        }
      }
      await eventuallyIs('slow');
      assert.match(api.status?.reason ?? '', /A completion takes \d{3,} ms on this machine/);
      await assertShown(/Parafill: slow · \d{3,} ms/);
    } finally {
      await settings.update('parafill.candidates', undefined, everywhere);
    }
    await eventuallyIs('ready');
  });

  it("'paused' says by what", async () => {
    await vscode.commands.executeCommand('parafill.toggleAutomaticCompletions');
    await eventuallyIs('paused');
    await assertShown(/Parafill: paused.*Automatic completions are switched off/s);
    await vscode.commands.executeCommand('parafill.toggleAutomaticCompletions');
    await vscode.workspace
      .getConfiguration()
      .update('parafill.enableAutomaticCompletions', undefined, everywhere);
    await eventuallyIs('ready');
  });

  it("'loading' becomes 'error' when the process dies again and again, and a restart helps", async () => {
    const api = await parafill();
    await readyParafill();
    const killed = new Set<number>();
    let isLoadingShown = false;
    await eventually('the end of it', async () => {
      const { kind, inferencePid } = api.status ?? {};
      if (kind === 'error') return true;
      // The longest pause before it is started once more: there is time to look.
      if (kind === 'loading' && killed.size === 4 && !isLoadingShown) {
        await assertShown(/Parafill: loading/);
        isLoadingShown = true;
      }
      if (inferencePid !== undefined && !killed.has(inferencePid)) {
        killed.add(inferencePid);
        process.kill(inferencePid, 'SIGKILL');
      }
      return false;
    });
    assert.match(api.status?.reason ?? '', /5th time in a row, so it is not started again/);
    assert.equal(killed.size, 5, 'it is not started a sixth time');
    assert.ok(isLoadingShown, 'it was never seen to load');
    await message(/the inference process ended unexpectedly/);
    await vscode.commands.executeCommand('notifications.clearAll');
    await assertShown(/Parafill: error/);
    await vscode.commands.executeCommand('parafill.restartServer');
    await eventuallyIs('ready');
  });

  (process.platform === 'win32' ? it.skip : it)('a server that hangs is replaced by a restart', async () => {
    const api = await readyParafill();
    const hanging = api.status?.inferencePid ?? assert.fail('no inference process');
    const server = Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(hanging)], { encoding: 'utf8' }));
    process.kill(server, 'SIGSTOP');
    await vscode.commands.executeCommand('parafill.restartServer');
    await eventually('another server', () => {
      const { kind, inferencePid } = api.status ?? {};
      return kind === 'ready' && inferencePid !== hanging;
    });
    await editorWith('const first = 1;\nconst second = |;\n');
    await typeAndWait('f');
    await eventually('the end of the one that hung', () => !isAlive(server));
  });
});
