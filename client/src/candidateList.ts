import * as vscode from 'vscode';
import { factsOf, headlineOf } from './candidateFacts';
import type { CandidateSession } from './candidateSession';

interface Item extends vscode.QuickPickItem {
  readonly index: number;
}

/**
 * Lists the candidates of a session with what is known about each. The one the list is at is previewed; Enter
 * takes it, Esc takes none.
 *
 * @param view whether moving through the list shows one diff after the other, or all of them are shown at once
 */
export function showCandidateList(session: CandidateSession, view: 'one' | 'all'): vscode.Disposable {
  const { t } = vscode.l10n;
  const picker = vscode.window.createQuickPick<Item>();
  const moreButton = { iconPath: new vscode.ThemeIcon('refresh'), tooltip: t('More candidates') };
  const allButton = { iconPath: new vscode.ThemeIcon('diff-multiple'), tooltip: t('Show all as diffs') };
  picker.title = session.target.title;
  picker.placeholder = t('Enter takes the candidate, Esc keeps your text');
  // Looking around in the diff must not close the list.
  picker.ignoreFocusOut = true;
  picker.matchOnDescription = true;
  picker.buttons = [allButton, moreButton];

  let shownItems = 0;
  const refresh = (): void => {
    const { candidates, index } = session;
    if (candidates.length === shownItems) return;
    shownItems = candidates.length;
    picker.items = candidates.map((candidate, i) => ({
      label: headlineOf(candidate),
      description: factsOf(candidate, candidates).join(' · '),
      alwaysShow: true,
      index: i,
    }));
    picker.activeItems = picker.items.slice(index, index + 1);
  };
  const more = async (): Promise<void> => {
    picker.busy = true;
    const known = session.candidates.length;
    const answer = await session.more();
    picker.busy = false;
    if (session.candidates.length > known) {
      picker.activeItems = picker.items.slice(known, known + 1);
      if (view === 'all') await session.showAll();
    } else if (answer.kind !== 'cancelled') {
      picker.placeholder =
        answer.kind === 'filled' ? t('No other candidate was found; try again for more') : answer.reason;
    }
  };
  const listeners = vscode.Disposable.from(
    session.onDidChange(refresh),
    picker.onDidChangeActive(([item]) => {
      if (item !== undefined && view === 'one') void session.show(item.index, { preserveFocus: true });
    }),
    picker.onDidAccept(() => {
      const [item] = picker.activeItems;
      if (item !== undefined) session.accept(item.index);
    }),
    picker.onDidHide(() => {
      session.discard();
    }),
    picker.onDidTriggerButton((button) => {
      if (button === allButton) void session.showAll();
      else void more();
    }),
  );
  refresh();
  picker.show();
  // The list tells only where it goes, not where it began.
  if (view === 'all') void session.showAll();
  else void session.show(session.index, { preserveFocus: true });
  return vscode.Disposable.from(listeners, picker);
}
