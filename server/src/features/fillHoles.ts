import type { CancellationToken, Connection, ServerCapabilities } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Disposable } from '../base/lifecycle';
import { findHoleMarkers, type HoleMarker, mostTokensOf } from '../completion/holeMarkers';
import type { OffsetRange } from '../completion/text';
import { FILL_HOLES, type FillHolesFilled, type FillHolesResult, type ProtocolRange } from '../protocol';
import { LIMITS } from '../settings';
import { runExplicitFill, type ExplicitFillParts, type NotFilled } from './explicitFill';
import type { Feature } from './feature';
import { parseCount, parseDocument, parseRange, parseRanges, record } from './parameters';
import { offsetsOfRange, toProtocolRange } from './positions';
import { reporterFor, type FillReport } from './progress';

/** `parafill/fillHoles`: all `⟦⟧` of a document, or ranges of it, filled jointly. */
export class FillHoles implements Feature {
  readonly capabilities: ServerCapabilities = {};

  constructor(private readonly parts: ExplicitFillParts) {}

  register(connection: Connection): Disposable {
    return connection.onRequest(FILL_HOLES, (params: unknown, token: CancellationToken) =>
      this.answer(params, token, reporterFor(connection, params)),
    );
  }

  private async answer(
    params: unknown,
    cancellation: CancellationToken,
    report: FillReport | undefined,
  ): Promise<FillHolesResult> {
    const given = record(params);
    const asked = parseDocument(given['textDocument']);
    if (asked.kind === 'wrong') return { kind: 'failed', reason: asked.reason };
    const ranges = parseRanges('holes', given['holes']);
    if (ranges.kind === 'wrong') return { kind: 'failed', reason: ranges.reason };
    const within = given['within'] === undefined ? undefined : parseRange('within', given['within']);
    if (within?.kind === 'wrong') return { kind: 'failed', reason: within.reason };
    const candidates = parseCount('candidates', given['candidates'], { ...LIMITS.candidates, fallback: 1 });
    if (candidates.kind === 'wrong') return { kind: 'failed', reason: candidates.reason };
    const seed = parseCount('seed', given['seed'], { minimum: 0, maximum: 0xffff_ffff, fallback: 0 });
    if (seed.kind === 'wrong') return { kind: 'failed', reason: seed.reason };

    let holes: readonly ProtocolRange[] = [];
    return runExplicitFill<FillHolesFilled>(
      this.parts,
      asked.value,
      {
        request: 'fillHoles',
        prepare: (document) => {
          const found = holesOf(document, ranges.value, within?.value);
          if ('kind' in found) return found;
          holes = found.map((hole) => toProtocolRange(document, hole));
          return {
            kind: 'prepared',
            input: {
              holes: found.map(({ start, end }) => ({ start, end })),
              candidates: candidates.value,
              seed: seed.value,
              maxTokens: found.map((hole) => mostTokensOf(hole, this.parts.settings().maxTokens)),
              // What stands in ranges is to become something else; markers always do.
              dropUnchanged: ranges.value !== undefined,
            },
          };
        },
        finish: (filled, effort) => ({
          kind: 'filled',
          version: asked.value.version,
          holes,
          candidates: filled.candidates.map(({ fills, ...facts }) => ({
            ...facts,
            edits: holes.map((range, i) => ({ range, newText: fills[i] ?? '' })),
          })),
          effort,
        }),
      },
      cancellation,
      report,
    );
  }
}

/** The holes in document order, or why there are none. */
function holesOf(
  document: TextDocument,
  ranges: readonly ProtocolRange[] | undefined,
  within: ProtocolRange | undefined,
): readonly HoleMarker[] | NotFilled {
  if (ranges === undefined) {
    const part = within === undefined ? undefined : offsetsOfRange(document, within);
    if (part?.kind === 'outside') return { kind: 'failed', reason: part.reason };
    const markers = findHoleMarkers(document.getText(), part?.range);
    if (markers.length > 0) return markers;
    const place = within === undefined ? 'document' : 'range';
    return { kind: 'empty', reason: `There is no hole marker ⟦⟧ in the ${place}.` };
  }
  if (ranges.length === 0) return { kind: 'empty', reason: 'The list of holes is empty.' };
  const offsets: OffsetRange[] = [];
  for (const range of ranges) {
    const converted = offsetsOfRange(document, range);
    if (converted.kind === 'outside') return { kind: 'failed', reason: converted.reason };
    offsets.push(converted.range);
  }
  return offsets.sort((a, b) => a.start - b.start || a.end - b.end);
}
