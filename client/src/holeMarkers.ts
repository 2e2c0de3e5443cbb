import * as vscode from 'vscode';
import { HOLE_CLOSE, HOLE_OPEN } from '../../server/src/protocol';

/** A marker as the server reads it: the two brackets, with nothing, blanks or a size in tokens between. */
const MARKER = new RegExp(`${HOLE_OPEN}[ \\t]*(\\d{0,4})[ \\t]*${HOLE_CLOSE}`, 'g');

export interface HoleMarker {
  readonly range: vscode.Range;
  /** The most tokens it may get, where the marker says so. */
  readonly size?: number;
}

/** The holes of a document, in its order. */
export function findHoles(document: vscode.TextDocument): readonly HoleMarker[] {
  return [...document.getText().matchAll(MARKER)].map(({ index, 0: marker, 1: size = '' }) => ({
    range: new vscode.Range(document.positionAt(index), document.positionAt(index + marker.length)),
    ...(size === '' ? {} : { size: Number(size) }),
  }));
}
