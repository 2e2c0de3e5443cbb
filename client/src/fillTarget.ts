import * as vscode from 'vscode';
import type {
  CandidateFacts,
  CancelledResult,
  EmptyResult,
  FailedResult,
  FillProgress,
  ProtocolTextEdit,
  StaleResult,
} from '../../server/src/protocol';
import type { Client } from './client';
import { snapshot, tell, toProtocol, type Snapshot } from './documents';
import { findHoles } from './holeMarkers';
import type { KeptLines } from './keepLines';

/** One way to fill what was asked about. */
export interface Candidate extends CandidateFacts {
  readonly edits: readonly ProtocolTextEdit[];
}

export type FillAnswer =
  | { readonly kind: 'filled'; readonly candidates: readonly Candidate[] }
  | EmptyResult
  | StaleResult
  | CancelledResult
  | FailedResult;

export interface FillWish {
  /** Another seed gives other candidates. */
  readonly seed: number;
  /** How many candidates at most; absent: as many as the settings say. */
  readonly candidates?: number;
}

/** What a command fills: a part of a document at one version. */
export interface FillTarget {
  readonly taken: Snapshot;
  /** What is going on, for progress and tabs. */
  readonly title: string;
  /** The parts of the document that are written. */
  readonly ranges: readonly vscode.Range[];
  /** The numbers of the lines that must stay. */
  readonly kept: readonly number[];
  readonly ask: (
    wish: FillWish,
    token: vscode.CancellationToken,
    onProgress?: (progress: FillProgress) => void,
  ) => Promise<FillAnswer>;
}

/** The selection, its kept lines excepted; tells the person why when there is none. */
export function selectionTarget(
  client: Client,
  keptLines: KeptLines,
  { document, selection }: vscode.TextEditor,
): FillTarget | undefined {
  if (selection.isEmpty) {
    tell(vscode.l10n.t('select the code to regenerate first.'));
    return undefined;
  }
  const kept = keptLines
    .of(document)
    .map((line) => document.lineAt(line).range)
    .filter((line) => selection.contains(line) || overlaps(selection, line));
  const range = withoutHalfLines(selection, kept);
  if (range.isEmpty) {
    tell(vscode.l10n.t('nothing is left to regenerate: every selected line is kept.'));
    return undefined;
  }
  const inside = kept.filter((line) => range.contains(line));
  const taken = snapshot(document);
  return {
    taken,
    title: vscode.l10n.t('Parafill: Regenerate Selection'),
    ranges: [range],
    kept: kept.map(({ start }) => start.line),
    ask: ({ seed, candidates }, token, onProgress) =>
      client.regenerate(
        {
          textDocument: { ...client.asVersioned(document), version: taken.version },
          range: toProtocol(range),
          keep: inside.map(toProtocol),
          seed,
          ...(candidates === undefined ? {} : { candidates }),
        },
        token,
        onProgress,
      ),
  };
}

/** The holes that are selected; all are meant where none is. */
export function selectedHoles({ document, selection }: vscode.TextEditor): readonly vscode.Range[] {
  if (selection.isEmpty) return [];
  return findHoles(document)
    .map(({ range }) => range)
    .filter((hole) => selection.contains(hole));
}

/** The `⟦⟧` holes of the selection, or of the whole document; undefined when there are none. */
export function holesTarget(client: Client, editor: vscode.TextEditor): FillTarget | undefined {
  const { document, selection } = editor;
  const selected = selectedHoles(editor);
  const wanted = selected.length > 0 ? selected : findHoles(document).map(({ range }) => range);
  if (wanted.length === 0) return undefined;
  const taken = snapshot(document);
  return {
    taken,
    title:
      wanted.length === 1
        ? vscode.l10n.t('Parafill: filling one hole')
        : vscode.l10n.t('Parafill: filling {0} holes', wanted.length),
    ranges: wanted,
    kept: [],
    ask: ({ seed, candidates }, token, onProgress) =>
      client.fillHoles(
        {
          textDocument: { ...client.asVersioned(document), version: taken.version },
          ...(selected.length > 0 ? { within: toProtocol(selection) } : {}),
          seed,
          ...(candidates === undefined ? {} : { candidates }),
        },
        token,
        onProgress,
      ),
  };
}

/** Whether they share more than a place between two characters. */
function overlaps(selection: vscode.Range, line: vscode.Range): boolean {
  const shared = selection.intersection(line);
  return shared !== undefined && !shared.isEmpty;
}

/** A kept line that is selected in part is not written into, so that the selection ends before it. */
function withoutHalfLines(selection: vscode.Range, kept: readonly vscode.Range[]): vscode.Range {
  let { start, end } = selection;
  for (const line of kept) {
    if (line.start.isBefore(start) && line.end.isAfter(start)) start = line.end;
    if (line.start.isBefore(end) && line.end.isAfter(end)) end = line.start;
  }
  return end.isAfter(start) ? new vscode.Range(start, end) : new vscode.Range(start, start);
}
