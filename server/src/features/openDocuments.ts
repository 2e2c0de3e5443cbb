import type { TextDocuments } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { LruMap } from '../base/lru';
import { toLf, wellFormed } from '../completion/text';
import { RecentPlaces } from '../completion/workspace/recentPlaces';
import type { SourceFile } from '../completion/workspace/sourceFile';
import { shownPath } from './filePaths';

/** Larger documents, in UTF-16 units, are data or generated. */
const largestDocument = 100_000;

/** Documents that are looked at for one context, the latest ones first. */
const mostDocuments = 12;
const mostKnown = 200;

interface Known {
  /** What `file` was made of; absent before it was needed. */
  made?: string;
  file?: SourceFile;
}

/** The open documents as files that may help in another one: those that were worked in last come first. */
export class OpenDocuments {
  /** By URI; the last one was seen most recently. */
  private readonly known = new LruMap<string, Known>(mostKnown);
  private readonly recent = new RecentPlaces();

  constructor(private readonly documents: Pick<TextDocuments<TextDocument>, 'get'>) {}

  /** A document was opened, changed or looked at. */
  see(uri: string): void {
    this.known.set(uri, this.known.peek(uri) ?? {});
  }

  /** The person is at this offset of a document. */
  workAt(uri: string, offset: number): void {
    this.recent.add(uri, offset);
    this.see(uri);
  }

  forget(uri: string): void {
    this.known.delete(uri);
    this.recent.forget(uri);
  }

  /**
   * @param mayShow whether a document of this URI may be shown to the model at all.
   * @param imports shown paths of what the document imports.
   */
  beside(
    document: TextDocument,
    mayShow: (uri: string) => boolean,
    imports: ReadonlySet<string>,
  ): SourceFile[] {
    const family = familyOf(document.languageId);
    const own = shownPath(document.uri);
    const files: SourceFile[] = [];
    for (const uri of [...this.known.keys()].reverse()) {
      if (files.length >= mostDocuments) break;
      const other = this.documents.get(uri);
      const path = shownPath(uri);
      // Cells of one notebook have one path: what is above a cell is before it already.
      if (other === undefined || path === own || familyOf(other.languageId) !== family || !mayShow(uri))
        continue;
      if (other.getText().length <= largestDocument) files.push(this.fileOf(other, path, imports.has(path)));
    }
    return files;
  }

  private fileOf(document: TextDocument, path: string, imported: boolean): SourceFile {
    const recent = this.recent.of(document.uri);
    const made = JSON.stringify([document.version, imported, recent]);
    // Being shown elsewhere is not being worked in: this does not count as seen.
    const known = this.known.peek(document.uri) ?? {};
    if (known.file === undefined || known.made !== made) {
      known.made = made;
      known.file = { path, text: wellFormed(toLf(document.getText())), imported, recent };
    }
    return known.file;
  }
}

/** Languages whose files use each other. */
function familyOf(languageId: string): string {
  return /^(?:type|java)script(?:react)?$/.test(languageId) ? 'script' : languageId;
}
