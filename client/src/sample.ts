import * as vscode from 'vscode';

const BEFORE = `// A file to try Parafill in; nothing of it is saved.
// Go on typing behind "return": suggestions come as ghost text, Tab takes one.
interface Vector {
  readonly x: number;
  readonly y: number;
}

export function add(left: Vector, right: Vector): Vector {
  return { x: left.x + right.x, y: left.y + right.y };
}

export function subtract(left: Vector, right: Vector): Vector {
  return `;

const AFTER = `
}

// Two holes: "Parafill: Fill All Holes" fills them at the same time.
export function scale(vector: Vector, factor: number): Vector {
  return { x: \u27e6\u27e7, y: \u27e6\u27e7 };
}
`;

/** Registers Open a Sample to Try: a file with something to complete, the cursor where it is. */
export function registerSample(): vscode.Disposable {
  return vscode.commands.registerCommand('parafill.openSample', async () => {
    const document = await vscode.workspace.openTextDocument({
      language: 'typescript',
      content: BEFORE + AFTER,
    });
    const cursor = document.positionAt(BEFORE.length);
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(cursor, cursor) });
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
  });
}
