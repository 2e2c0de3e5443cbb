import {
  NotebookCellKind,
  NotebookDocuments,
  type Connection,
  type ServerCapabilities,
  type TextDocuments,
} from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Disposable } from '../base/lifecycle';
import type { Feature } from './feature';

/** The cells of notebooks: documents each, but read from top to bottom they are one program. */
export class Notebooks implements Feature {
  readonly capabilities: ServerCapabilities = {
    notebookDocumentSync: { notebookSelector: [{ notebook: '*', cells: [{ language: '*' }] }] },
  };
  private readonly notebooks: NotebookDocuments<TextDocument>;

  constructor(documents: TextDocuments<TextDocument>) {
    this.notebooks = new NotebookDocuments(documents);
  }

  register(connection: Connection): Disposable {
    return this.notebooks.listen(connection);
  }

  /** The code above a cell, in the cell's language; empty for what is no cell. */
  codeAbove(cell: TextDocument): string {
    const cells = this.notebooks.findNotebookDocumentForCell(cell.uri)?.cells ?? [];
    const above = cells.slice(
      0,
      cells.findIndex(({ document }) => document === cell.uri),
    );
    return above
      .filter(({ kind }) => kind === NotebookCellKind.Code)
      .flatMap((other) => this.notebooks.getCellTextDocument(other) ?? [])
      .filter(({ languageId }) => languageId === cell.languageId)
      .map((other) => `${other.getText()}\n\n`)
      .join('');
  }
}
