import * as vscode from 'vscode';
import { announce } from './announce';
import { factsOf } from './candidateFacts';
import { showCandidateList } from './candidateList';
import type { CandidatePreview } from './candidatePreview';
import { CandidateSession, type Decision } from './candidateSession';
import type { Config } from './config';
import { keepActiveTab, tell } from './documents';
import { tellWhyNot, type Fills } from './fills';
import type { FillTarget } from './fillTarget';

/** Set while the preview of a candidate is the active editor: the keys of the preview belong to it alone. */
const PREVIEW_CONTEXT = 'parafill.candidatePreview';

/** How candidates are shown: one diff after the other, a list with a live diff, or a list with all diffs. */
export type CandidateView = 'diff' | 'list' | 'all';

/**
 * Lets the person choose between candidates, one choice at a time, and writes what was chosen. Until then the
 * document is not touched.
 */
export class CandidateChoice implements vscode.Disposable {
  private readonly facts = vscode.window.createStatusBarItem(
    'parafill.candidate',
    vscode.StatusBarAlignment.Left,
    1_000,
  );
  private readonly disposables: { dispose(): unknown }[] = [this.facts];
  private current: CandidateSession | undefined;
  private list: vscode.Disposable | undefined;
  private isPreviewing = false;

  constructor(
    private readonly preview: CandidatePreview,
    private readonly fills: Fills,
    private readonly config: Config,
  ) {
    this.facts.name = vscode.l10n.t('Parafill candidate');
    this.facts.command = 'parafill.compareCandidates';
    const command = (name: string, run: (session: CandidateSession) => unknown): vscode.Disposable =>
      vscode.commands.registerCommand(name, () => this.withSession(run));
    this.disposables.push(
      command('parafill.acceptCandidate', (session) => {
        session.accept();
      }),
      command('parafill.nextCandidate', (session) =>
        session.show(session.index + 1, { preserveFocus: true }),
      ),
      command('parafill.previousCandidate', (session) =>
        session.show(session.index - 1, { preserveFocus: true }),
      ),
      command('parafill.moreCandidates', moreCandidates),
      command('parafill.discardCandidates', (session) => {
        session.discard();
      }),
      vscode.window.tabGroups.onDidChangeTabs(() => {
        this.refresh();
      }),
      vscode.window.tabGroups.onDidChangeTabGroups(() => {
        this.refresh();
      }),
    );
  }

  /** Whether there are candidates to choose from where the person is right now. */
  get isOpen(): boolean {
    const session = this.shown;
    if (session === undefined) return false;
    const document = vscode.window.activeTextEditor?.document;
    return session.preview.isInFront || document === session.target.taken.document;
  }

  /** Shows the candidates of the choice that is open in another way. */
  showList(view: 'one' | 'all'): void {
    const session = this.shown;
    if (session === undefined) return;
    this.list?.dispose();
    this.list = showCandidateList(session, view);
  }

  /** Asks for candidates, lets the person choose and writes the chosen one; resolves when that is over. */
  async run(target: FillTarget, view: CandidateView): Promise<void> {
    this.endCurrent();
    const editor = vscode.window.activeTextEditor;
    await keepActiveTab();
    const decision = await this.choose(target, view);
    if (decision === undefined) return;
    if (decision.reason !== undefined) tell(decision.reason);
    if (decision.wentAway !== true) await goBack(target, editor);
    if (decision.candidate !== undefined) await this.fills.write(target, decision.candidate);
  }

  dispose(): void {
    this.endCurrent();
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** Everything that is shown meanwhile is gone when it resolves; undefined when there was nothing to choose. */
  private async choose(target: FillTarget, view: CandidateView): Promise<Decision | undefined> {
    const start = target.ranges[0]?.start ?? new vscode.Position(0, 0);
    const preview = this.preview.open(target.taken.document, start, target.title);
    const session = new CandidateSession(target, preview, (wish, token) =>
      this.fills.ask(target, wish, token),
    );
    this.current = session;
    try {
      const answer = await session.more();
      // The person asked for something else meanwhile.
      if (this.current !== session) return undefined;
      if (answer.kind !== 'filled') {
        tellWhyNot(answer);
        return undefined;
      }
      session.onDidChange(() => {
        this.refresh();
      });
      if (view === 'diff') await session.show(0, { preserveFocus: false });
      else this.showList(view === 'all' ? 'all' : 'one');
      this.refresh();
      return await session.decided;
    } finally {
      if (this.current === session) this.endCurrent();
      session.dispose();
      await preview.close();
      this.refresh();
    }
  }

  /** The choice there is something to choose in. */
  private get shown(): CandidateSession | undefined {
    return this.current?.candidates.length === 0 ? undefined : this.current;
  }

  /** Another choice takes its place, or none. */
  private endCurrent(): void {
    this.current?.leave();
    this.current = undefined;
    this.list?.dispose();
    this.list = undefined;
  }

  private withSession(run: (session: CandidateSession) => unknown): unknown {
    if (this.shown !== undefined) return run(this.shown);
    tell(vscode.l10n.t('there are no candidates. Select code and run Regenerate Selection first.'));
    return undefined;
  }

  /** The keys of the preview work and its facts are shown exactly while it is what the person looks at. */
  private refresh(): void {
    const session = this.current;
    const isActive = session?.preview.isActive === true;
    if (isActive !== this.isPreviewing) {
      this.isPreviewing = isActive;
      void vscode.commands.executeCommand('setContext', PREVIEW_CONTEXT, isActive);
    }
    const candidate = session?.candidates[session.index];
    if (session === undefined || candidate === undefined || !isActive) {
      this.facts.text = '';
      this.facts.hide();
      return;
    }
    const { candidates, index } = session;
    const position = vscode.l10n.t('Candidate {0} of {1}', index + 1, candidates.length);
    const text = [position, ...factsOf(candidate, candidates)].join(' · ');
    if (this.facts.text !== `$(sparkle) ${text}`) announce(this.config, text);
    this.facts.text = `$(sparkle) ${text}`;
    this.facts.accessibilityInformation = { label: `Parafill: ${text}` };
    this.facts.show();
  }
}

/** Looks for other candidates and shows the first of them. */
async function moreCandidates(session: CandidateSession): Promise<void> {
  const known = session.candidates.length;
  const answer = await session.more();
  if (session.candidates.length > known) await session.show(known, { preserveFocus: true });
  else if (answer.kind === 'filled') tell(vscode.l10n.t('no other candidate was found; try again for more.'));
  else tellWhyNot(answer);
}

/** Brings the person back to where they were. */
async function goBack(
  { taken: { document } }: FillTarget,
  editor: vscode.TextEditor | undefined,
): Promise<void> {
  // A cell of a notebook is no editor of its own that could be shown again.
  if (document.isClosed || document.uri.scheme === 'vscode-notebook-cell') return;
  await vscode.window.showTextDocument(document, {
    ...(editor?.viewColumn === undefined ? {} : { viewColumn: editor.viewColumn }),
    ...(editor?.document === document ? { selection: editor.selection } : {}),
  });
}
