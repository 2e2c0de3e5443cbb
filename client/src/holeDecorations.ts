import * as vscode from 'vscode';
import { isOurs } from './documents';
import { findHoles } from './holeMarkers';

/** Beyond this many UTF-16 units looking for markers at every keystroke is not worth it. */
const MAX_DECORATED_LENGTH = 2_000_000;

/**
 * Frames the holes of the visible editors. The grammar in syntaxes/ colours them too, but not every language's
 * grammar lets itself be injected into, and a theme may leave its scope uncoloured.
 */
export class HoleDecorations implements vscode.Disposable {
  private readonly type = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor('parafill.holeBackground'),
    borderRadius: '3px',
    border: '1px dashed',
    borderColor: new vscode.ThemeColor('parafill.holeBorder'),
    overviewRulerColor: new vscode.ThemeColor('parafill.holeBorder'),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private readonly disposables: { dispose(): unknown }[] = [this.type];

  constructor() {
    this.disposables.push(
      vscode.window.onDidChangeVisibleTextEditors((editors) => {
        for (const editor of editors) this.decorate(editor);
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        for (const editor of vscode.window.visibleTextEditors)
          if (editor.document === document) this.decorate(editor);
      }),
    );
    for (const editor of vscode.window.visibleTextEditors) this.decorate(editor);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private decorate(editor: vscode.TextEditor): void {
    const { document } = editor;
    if (!isOurs(document)) return;
    const tooLong =
      document.offsetAt(document.lineAt(document.lineCount - 1).range.end) > MAX_DECORATED_LENGTH;
    editor.setDecorations(this.type, tooLong ? [] : findHoles(document).map(({ range }) => range));
  }
}
