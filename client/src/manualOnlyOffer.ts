import * as vscode from 'vscode';
import type { Client } from './client';
import type { Config } from './config';
import { activeProvider } from './otherProviders';

const OFFERED = 'manualOnlyOffered';

/**
 * Two providers of ghost text cover each other. Where another one is at work, Parafill offers once to show its own
 * on request only, and takes any answer, also none, for the last word.
 */
export function offerManualOnlyOnce(
  client: Client,
  config: Config,
  memory: vscode.Memento,
): vscode.Disposable {
  return client.onStatus(({ kind }) => {
    // By the time the model is loaded the other extensions are active, too.
    if (kind !== 'ready' && kind !== 'slow') return;
    if (!config.automatic || memory.get(OFFERED) === true) return;
    const other = activeProvider(
      (id) => vscode.extensions.getExtension(id)?.isActive === true,
      (name) => vscode.workspace.getConfiguration().get(name),
    );
    if (other === undefined) return;
    void memory.update(OFFERED, true);
    void offer(other.name, config);
  });
}

async function offer(other: string, config: Config): Promise<void> {
  const { t } = vscode.l10n;
  const onRequest = t('Only on Alt+\\');
  const text = t(
    'Parafill: {0} suggests code while you type, too. Shall Parafill do so on request only?',
    other,
  );
  const answer = await vscode.window.showInformationMessage(text, onRequest, t('Keep Both'));
  if (answer === onRequest) await config.setAutomatic(false);
}
