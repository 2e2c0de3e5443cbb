import * as vscode from 'vscode';

const SCHEME = 'parafill-candidate';

/**
 * Shows a document as it would be with a candidate in it, as a diff beside the real one. The candidate lives in
 * a read-only document of its own, so that looking at it changes nothing.
 */
export class CandidatePreview implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  private readonly contents = new Map<string, string>();
  private sequence = 0;

  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string | undefined {
    return this.contents.get(uri.toString());
  }

  /** A preview of replacements of one range; nothing is visible before its first `show`. */
  open(document: vscode.TextDocument, range: vscode.Range, title: string): OpenPreview {
    this.sequence += 1;
    const uri = vscode.Uri.from({
      scheme: SCHEME,
      path: document.uri.path.startsWith('/') ? document.uri.path : `/${document.uri.path}`,
      query: String(this.sequence),
    });
    return new OpenPreview(document, range, title, uri, (text) => {
      if (text === undefined) this.contents.delete(uri.toString());
      else this.contents.set(uri.toString(), text);
      this.changed.fire(uri);
    });
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
    this.contents.clear();
  }
}

/** One diff tab, from its first candidate to its closing. */
export class OpenPreview {
  private readonly before: string;
  private readonly after: string;
  private opened: Promise<unknown> | undefined;
  private closed = false;

  constructor(
    private readonly document: vscode.TextDocument,
    private readonly range: vscode.Range,
    private readonly title: string,
    private readonly uri: vscode.Uri,
    private readonly setContent: (text: string | undefined) => void,
  ) {
    const text = document.getText();
    this.before = text.slice(0, document.offsetAt(range.start));
    this.after = text.slice(document.offsetAt(range.end));
  }

  /** Shows the document with this text in the range. The focus stays where it is. */
  async show(replacement: string): Promise<void> {
    if (this.closed) return;
    this.setContent(this.before + replacement + this.after);
    this.opened ??= this.openDiff();
    await this.opened;
  }

  /** Closes the tab again, also when it is only just being opened. */
  async close(): Promise<void> {
    this.closed = true;
    await this.opened;
    const tabs = vscode.window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter(
        ({ input }) =>
          input instanceof vscode.TabInputTextDiff && input.modified.toString() === this.uri.toString(),
      );
    if (tabs.length > 0) await vscode.window.tabGroups.close(tabs, true);
    this.setContent(undefined);
  }

  private async openDiff(): Promise<void> {
    const candidate = await vscode.workspace.openTextDocument(this.uri);
    // The file name alone does not tell the language of an untitled document.
    if (candidate.languageId !== this.document.languageId)
      await vscode.languages.setTextDocumentLanguage(candidate, this.document.languageId);
    const options: vscode.TextDocumentShowOptions = {
      preview: true,
      preserveFocus: true,
      selection: new vscode.Range(this.range.start, this.range.start),
    };
    await vscode.commands.executeCommand('vscode.diff', this.document.uri, this.uri, this.title, options);
  }
}
