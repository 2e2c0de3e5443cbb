import * as vscode from 'vscode';
import type { Log } from './log';
import { problemsWith, type SettingProblem, type SettingSchemas } from './settingSchema';

/** Says once which settings cannot be used as they are, what was expected, and what is used instead. */
export function warnAboutSettings(schemas: SettingSchemas, log: Log): vscode.Disposable {
  let said = '';
  const check = (): void => {
    const configuration = vscode.workspace.getConfiguration();
    const problems = Object.entries(schemas).flatMap(([name, schema]) =>
      problemsWith(name, schema, configuration.get<unknown>(name)),
    );
    const text = problems.map(inWords).join(' ');
    if (text === said) return;
    said = text;
    if (text !== '') show(text, problems[0]?.setting ?? '', log);
  };
  check();
  return vscode.workspace.onDidChangeConfiguration((change) => {
    if (change.affectsConfiguration('parafill')) check();
  });
}

function show(text: string, setting: string, log: Log): void {
  log.warn(text);
  const open = vscode.l10n.t('Open Settings');
  void vscode.window.showWarningMessage(`Parafill: ${text}`, open).then((choice) => {
    return choice === open
      ? vscode.commands.executeCommand('workbench.action.openSettings', setting)
      : undefined;
  });
}

function inWords({ setting, expected, came, used }: SettingProblem): string {
  const { t } = vscode.l10n;
  return used === undefined
    ? t('The setting {0} should be {1}, but is {2}; it is ignored.', setting, expected, came)
    : t('The setting {0} should be {1}, but is {2}; {3} is used instead.', setting, expected, came, used);
}
