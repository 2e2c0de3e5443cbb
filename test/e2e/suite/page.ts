import * as vscode from 'vscode';
import { hasBridge, press, pressButton, renderedTexts } from './bridge';
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

/** Presses a button of a message, when it is there, until the condition holds: messages are drawn anew as they change. */
export async function chooseInMessage(button: string, isDone: () => boolean): Promise<void> {
  const buttons = '.notification-list-item .monaco-button';
  await eventually(`what ${button} in a message does`, async () => {
    if (isDone()) return true;
    await vscode.commands.executeCommand('notifications.showList');
    if ((await renderedTexts(buttons)).some((text) => text.includes(button)))
      await pressButton(buttons, button).catch(() => undefined);
    return isDone();
  });
}

/**
 * Presses a key as a person does until the condition gives something: again, when nothing came of it. An editor that
 * was only just opened does not have the focus at once, and a key pressed before goes nowhere.
 */
export async function pressUntil<T>(
  key: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  let pressedAt = 0;
  return eventually(`what ${key} does`, async () => {
    if (Date.now() - pressedAt > PRESS_AGAIN_MS) {
      await press(key);
      pressedAt = Date.now();
    }
    return condition();
  });
}

/** Presses a key until the command that waits for it ends. */
export async function pressToEnd(key: string, done: Thenable<unknown>): Promise<void> {
  await pressUntil(key, endOf(done));
}

/** Whether it is over. */
export function endOf(done: Thenable<unknown>): () => boolean {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  done.then(over, over);
  return () => isOver;
}
