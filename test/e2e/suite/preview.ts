import * as vscode from 'vscode';
import { eventually } from './editor';

/** The candidate document of the open diff, once it shows something other than the original. */
export function previewedText(original: string): string | undefined {
  for (const { tabs } of vscode.window.tabGroups.all)
    for (const { input } of tabs) {
      if (!(input instanceof vscode.TabInputTextDiff)) continue;
      const { modified } = input;
      const document = vscode.workspace.textDocuments.find(
        ({ uri }) => uri.toString() === modified.toString(),
      );
      const text = document?.getText();
      if (text !== undefined && text !== '' && text !== original) return text;
    }
  return undefined;
}

export function hasDiff(): boolean {
  return vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .some(({ input }) => input instanceof vscode.TabInputTextDiff);
}

/** Runs a command that asks for candidates and waits for the first preview. `done` resolves when it ends. */
export async function previewOf(
  command: string,
  original: string,
): Promise<{ readonly preview: string; readonly done: Thenable<unknown> }> {
  const done = vscode.commands.executeCommand(command);
  const preview = await eventually('a previewed candidate', () => previewedText(original));
  await eventually('the diff to be the active tab', () => {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab?.input instanceof vscode.TabInputTextDiff;
  });
  return { preview, done };
}
