import * as vscode from 'vscode';
import type { Client } from './client';
import type { Config } from './config';

interface Choice extends vscode.QuickPickItem {
  /** The folder; empty for the bundled model, absent for one that is still to be chosen. */
  readonly path?: string;
}

/** Registers Select Model…, which also takes the folder as its argument. */
export function registerSelectModel(client: Client, config: Config): vscode.Disposable {
  return vscode.commands.registerCommand('parafill.selectModel', async (given?: unknown) => {
    const path = typeof given === 'string' ? given : await choose(config.modelPath);
    if (path !== undefined) await use(path, client, config);
  });
}

/** The folder the person wants, or an empty text for the bundled model. */
async function choose(current: string): Promise<string | undefined> {
  const { t } = vscode.l10n;
  const inUse = (path: string): string => (path === current ? t('in use') : '');
  const choices: readonly Choice[] = [
    { label: `$(package) ${t('Bundled model')}`, description: inUse(''), path: '' },
    ...(current === ''
      ? []
      : [{ label: `$(folder) ${current}`, description: inUse(current), path: current }]),
    {
      label: `$(folder-opened) ${t('Choose a folder…')}`,
      detail: t('It holds a manifest.json and the files this names.'),
    },
  ];
  const chosen = await vscode.window.showQuickPick(choices, { title: t('Parafill: Select Model') });
  if (chosen === undefined || chosen.path !== undefined) return chosen?.path;
  const [folder] =
    (await vscode.window.showOpenDialog({
      title: t('Folder of a model'),
      canSelectFiles: false,
      canSelectFolders: true,
    })) ?? [];
  return folder?.fsPath;
}

/** Changes the setting once the server has loaded the model; what cannot be used changes nothing. */
async function use(path: string, client: Client, config: Config): Promise<void> {
  const { t } = vscode.l10n;
  let name = t('the bundled model');
  if (path !== '') {
    const title = t('Parafill: loading the model of {0}', path);
    const location = vscode.ProgressLocation.Notification;
    const result = await vscode.window.withProgress({ location, title }, () => client.checkModel({ path }));
    if (result.kind === 'failed') {
      const text = t('Parafill: this model cannot be used, so nothing was changed. {0}', result.reason);
      void vscode.window.showErrorMessage(text);
      return;
    }
    name = `${result.name} ${result.version}`;
  }
  await config.setModelPath(path);
  void vscode.window.showInformationMessage(t('Parafill: uses {0} from now on.', name));
}
