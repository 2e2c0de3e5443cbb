import * as vscode from 'vscode';
import { hasBridge, press, renderedTexts } from './bridge';
import { eventually } from './editor';

const PRESS_AGAIN_MS = 3_000;

/**
 * Waits until a message with this text is in the list of notifications; where no page can be
 * looked at, there is nothing to wait for. The list is opened because the browser host never shows messages at once.
 */
export async function message(pattern: RegExp): Promise<void> {
  if (!hasBridge) return;
  await eventually(`a message like ${String(pattern)}`, async () => {
    await vscode.commands.executeCommand('notifications.showList');
    return (await renderedTexts('.notification-list-item')).some((text) => pattern.test(text));
  });
  await vscode.commands.executeCommand('notifications.hideList');
}

/**
 * Presses a key as a person does: again, when nothing came of it. An editor that was only just opened does not have
 * the focus at once, and a key pressed before goes nowhere.
 */
export async function pressUntil(key: string, done: Thenable<unknown>): Promise<void> {
  let isOver = false as boolean;
  const over = done.then(() => {
    isOver = true;
  });
  await eventually(`what ${key} does`, async () => {
    await press(key);
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, PRESS_AGAIN_MS))]);
    return isOver;
  });
}
