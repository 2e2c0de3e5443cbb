import * as vscode from 'vscode';
import { nameOf } from './documents';

const SCHEME = 'parafill-candidate';

/**
 * Shows a document as it would be with a candidate in it, as a diff beside the real one. Candidates live in
 * read-only documents of their own, so that looking at them changes nothing.
 */
export class CandidatePreview implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  /** Stands before the registration, which looks for it only once. */
  readonly onDidChange = this.changed.event;
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  private readonly contents = new Map<string, string>();
  private sequence = 0;

  provideTextDocumentContent(uri: vscode.Uri): string | undefined {
    return this.contents.get(uri.toString());
  }

  /** A preview of this document with other texts; nothing is visible before its first `show`. */
  open(document: vscode.TextDocument, reveal: vscode.Position, title: string): OpenPreview {
    return new OpenPreview(document, reveal, title, (folder) => {
      this.sequence += 1;
      const name = nameOf(document);
      const parent = document.uri.path.slice(0, -name.length).replace(/^\/*/, '/');
      const path = `${parent}${folder === '' ? '' : `${folder}/`}${name}`;
      const uri = vscode.Uri.from({ scheme: SCHEME, path, query: String(this.sequence) });
      return {
        uri,
        set: (text) => {
          if (text === undefined) this.contents.delete(uri.toString());
          else this.contents.set(uri.toString(), text);
          this.changed.fire(uri);
        },
      };
    });
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
    this.contents.clear();
  }
}

/** A document of ours that shows whatever it is set to. */
interface Shown {
  readonly uri: vscode.Uri;
  readonly set: (text: string | undefined) => void;
}

/** The diffs of one document with its candidates, from the first one shown to their closing. */
export class OpenPreview implements vscode.Disposable {
  private readonly single: Shown;
  private readonly others: { readonly original: Shown; readonly candidate: Shown }[] = [];
  private readonly closedByPerson = new vscode.EventEmitter<void>();
  private readonly listeners: vscode.Disposable;
  private opened: Promise<unknown> | undefined;
  private allOpened: Promise<unknown> | undefined;
  private closed = false;

  /** The person closed the tab with the diff. */
  readonly onDidClose = this.closedByPerson.event;

  constructor(
    private readonly document: vscode.TextDocument,
    private readonly reveal: vscode.Position,
    private readonly title: string,
    private readonly create: (folder: string) => Shown,
  ) {
    this.single = create('');
    this.listeners = vscode.Disposable.from(
      this.closedByPerson,
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        if (!this.closed && closed.some((tab) => this.isDiff(tab))) this.closedByPerson.fire();
      }),
    );
  }

  /** Whether the diff is what the person looks at. */
  get isActive(): boolean {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab !== undefined && this.isDiff(tab);
  }

  /** Whether that or all diffs are what the person looks at. */
  get isInFront(): boolean {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab !== undefined && (this.isDiff(tab) || this.isMultiDiff(tab));
  }

  /** Shows the document with this text. */
  async show(text: string, options: { readonly preserveFocus: boolean }): Promise<void> {
    if (this.closed) return;
    this.single.set(text);
    this.opened ??= this.openDiff(options.preserveFocus);
    await this.opened;
  }

  /** Shows all texts below each other in one editor. The focus stays where it is. */
  async showAll(texts: readonly string[]): Promise<void> {
    const before = this.allOpened;
    this.allOpened = Promise.allSettled([before]).then(() => this.openAllDiffs(texts));
    await this.allOpened;
  }

  private async openAllDiffs(texts: readonly string[]): Promise<void> {
    const resources: (readonly [vscode.Uri, vscode.Uri, vscode.Uri])[] = [];
    for (const [i, text] of texts.entries()) {
      // Many candidates take a while; the person may be done with them.
      if (this.closed) return;
      const folder = vscode.l10n.t('candidate {0}', i + 1);
      // A diff whose sides have different paths is called a renamed file.
      const { original, candidate } = (this.others[i] ??= {
        original: this.create(folder),
        candidate: this.create(folder),
      });
      original.set(this.document.getText());
      candidate.set(text);
      for (const { uri } of [original, candidate]) await this.inOurLanguage(uri);
      resources.push([candidate.uri, original.uri, candidate.uri]);
    }
    if (!this.closed) await vscode.commands.executeCommand('vscode.changes', this.title, resources);
  }

  /** Closes the tabs again, also when they are only just being opened. */
  async close(): Promise<void> {
    this.closed = true;
    this.listeners.dispose();
    await Promise.allSettled([this.opened, this.allOpened]);
    const tabs = vscode.window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter((tab) => this.isDiff(tab) || this.isMultiDiff(tab));
    if (tabs.length > 0) await vscode.window.tabGroups.close(tabs, true);
    const others = this.others.flatMap(({ original, candidate }) => [original, candidate]);
    for (const shown of [this.single, ...others]) shown.set(undefined);
  }

  dispose(): void {
    void this.close();
  }

  private isDiff({ input }: vscode.Tab): boolean {
    return (
      input instanceof vscode.TabInputTextDiff && input.modified.toString() === this.single.uri.toString()
    );
  }

  /** What a tab with several diffs shows is not told to extensions, but its title is ours; a number of files may follow. */
  private isMultiDiff({ label, input }: vscode.Tab): boolean {
    return (
      this.others.length > 0 && label.startsWith(this.title) && !(input instanceof vscode.TabInputTextDiff)
    );
  }

  private async openDiff(preserveFocus: boolean): Promise<void> {
    await this.inOurLanguage(this.single.uri);
    const options: vscode.TextDocumentShowOptions = {
      preview: true,
      preserveFocus,
      selection: new vscode.Range(this.reveal, this.reveal),
    };
    await vscode.commands.executeCommand(
      'vscode.diff',
      this.document.uri,
      this.single.uri,
      this.title,
      options,
    );
  }

  /** The file name alone does not tell the language of an untitled document. */
  private async inOurLanguage(uri: vscode.Uri): Promise<void> {
    const shown = await vscode.workspace.openTextDocument(uri);
    const { languageId } = this.document;
    if (shown.languageId !== languageId) await vscode.languages.setTextDocumentLanguage(shown, languageId);
  }
}
