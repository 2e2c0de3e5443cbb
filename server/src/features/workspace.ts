import { pathToFileURL } from 'node:url';
import type { Connection, InitializeParams, ServerCapabilities, TextDocuments } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { DisposableStore, type Disposable } from '../base/lifecycle';
import { LruMap } from '../base/lru';
import { excludedBy } from '../completion/exclude';
import type { ContextRoom } from '../completion/workspace/selection';
import type { SourceFile } from '../completion/workspace/sourceFile';
import { WorkspaceContext } from '../completion/workspace/workspaceContext';
import type { FileChunk, ModelInfo, OtherFiles } from '../inference/messages';
import { WORKSPACE_TRUSTED } from '../protocol';
import type { Settings } from '../settings';
import type { Feature } from './feature';
import { diskPath, folderOf, shownPath } from './filePaths';
import { GitIgnore } from './gitIgnore';
import { ImportedFiles } from './importedFiles';
import { OpenDocuments } from './openDocuments';
import { record } from './parameters';

export interface WorkspaceParts {
  readonly documents: TextDocuments<TextDocument>;
  readonly settings: () => Settings;
  /** What the model in use takes; `undefined` while there is none. */
  readonly room: () => (ContextRoom & Pick<ModelInfo, 'recalls'>) | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** Documents of which it is remembered whether git ignores them. */
const mostVerdicts = 200;

/** So many UTF-16 units of other files are recalled: some 50,000 tokens. */
const mostRecalledUnits = 160_000;

/** What the model is shown of other files than the one being filled: of open ones, and of modules it imports. */
export class Workspace implements Feature {
  readonly capabilities: ServerCapabilities = {
    workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
  };
  private readonly context: WorkspaceContext;
  private readonly open: OpenDocuments;
  private readonly imported: ImportedFiles;
  private readonly gitIgnore: GitIgnore;
  /** By URI; what nobody knows yet counts as ignored. */
  private readonly ignored = new LruMap<string, boolean>(mostVerdicts);
  private folders: readonly string[] = [];
  private isTrusted = true;
  private canChangeFolders = false;

  constructor(private readonly parts: WorkspaceParts) {
    const { documents, now } = parts;
    this.context = new WorkspaceContext({ filesFor: (uri) => this.filesFor(uri) }, now);
    this.open = new OpenDocuments(documents);
    this.gitIgnore = new GitIgnore(now);
    this.imported = new ImportedFiles(async (root, path) => {
      return (
        !this.isExcluded(pathToFileURL(path).toString()) && !(await this.gitIgnore.isIgnored(root, path))
      );
    }, now);
  }

  /** During `initialize`: which folders there are, and whether the person trusts them. */
  initialize({ workspaceFolders, capabilities, initializationOptions }: InitializeParams): void {
    this.folders = (workspaceFolders ?? []).flatMap(({ uri }) => diskPath(uri) ?? []);
    this.canChangeFolders = capabilities.workspace?.workspaceFolders === true;
    // Only an editor that knows of trust says that there is none.
    this.isTrusted = record(initializationOptions)['trusted'] !== false;
  }

  /** After `initialized`: hears of other folders. */
  start(connection: Connection): void {
    if (!this.canChangeFolders) return;
    connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      const gone = new Set(removed.map(({ uri }) => diskPath(uri)));
      const come = added.flatMap(({ uri }) => diskPath(uri) ?? []);
      this.folders = [...this.folders.filter((folder) => !gone.has(folder)), ...come];
      this.askGitOfAll();
    });
  }

  register(connection: Connection): Disposable {
    const { documents } = this.parts;
    const store = new DisposableStore();
    store.add(
      connection.onNotification(WORKSPACE_TRUSTED, () => {
        this.isTrusted = true;
        this.askGitOfAll();
      }),
    );
    // A document that was opened counts as changed, too.
    store.add(
      documents.onDidChangeContent(({ document: { uri } }) => {
        this.open.see(uri);
        void this.askGit(uri);
      }),
    );
    store.add(
      documents.onDidClose(({ document: { uri } }) => {
        this.open.forget(uri);
        this.context.forget(uri);
        this.ignored.delete(uri);
      }),
    );
    return store;
  }

  /**
   * Pieces of other files, best first, and files to recall from; none where the person or the model wants none.
   *
   * @param offset where the person is.
   * @param segments the text around the holes.
   */
  otherFiles({ uri }: TextDocument, offset: number, segments: readonly string[]): OtherFiles {
    const room = this.parts.room();
    if (room === undefined || !this.parts.settings().workspaceContext) return {};
    this.open.workAt(uri, offset);
    return {
      chunks: this.context.chunksFor(uri, shownPath(uri), segments, room),
      ...(room.recalls ? { files: firstOf(this.filesFor(uri)) } : {}),
    };
  }

  private filesFor(uri: string): readonly SourceFile[] {
    const document = this.parts.documents.get(uri);
    if (document === undefined) return [];
    const onDisk = this.importsOf(document);
    const imports = new Set(onDisk.map(({ path }) => path));
    const open = this.open.beside(document, (other) => this.mayShow(other), imports);
    // What is open is newer than what is on disk.
    const isOpen = new Set(open.map(({ path }) => path));
    return [...onDisk.filter(({ path }) => !isOpen.has(path)), ...open];
  }

  /** In a workspace that is not trusted nothing is read that the person did not open. */
  private importsOf(document: TextDocument): readonly SourceFile[] {
    const path = diskPath(document.uri);
    const root = path === undefined ? undefined : folderOf(this.folders, path);
    if (!this.isTrusted || path === undefined || root === undefined) return [];
    return this.imported.filesFor(root, path, document.languageId, document.getText());
  }

  private mayShow(uri: string): boolean {
    return !this.isExcluded(uri) && this.ignored.get(uri) === false;
  }

  private isExcluded(uri: string): boolean {
    return excludedBy(uri, this.parts.settings().exclude) !== undefined;
  }

  private askGitOfAll(): void {
    for (const { uri } of this.parts.documents.all()) void this.askGit(uri);
  }

  /** In a workspace that is not trusted not even what git ignores is read, so that nothing of it is shown. */
  private async askGit(uri: string): Promise<void> {
    if (!this.isTrusted) return;
    const path = diskPath(uri);
    const root = path === undefined ? undefined : folderOf(this.folders, path);
    const verdict = path !== undefined && root !== undefined && (await this.gitIgnore.isIgnored(root, path));
    // It may be closed by now.
    if (this.parts.documents.get(uri) !== undefined) this.ignored.set(uri, verdict);
  }
}

/** As many of the files as may travel with every request. */
function firstOf(files: readonly SourceFile[]): FileChunk[] {
  let units = 0;
  return files
    .filter(({ text }) => (units += text.length) <= mostRecalledUnits)
    .map(({ path, text }) => ({ path, text }));
}
