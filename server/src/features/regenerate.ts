import type { CancellationToken, Connection, ServerCapabilities } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Disposable } from '../base/lifecycle';
import type { OffsetRange } from '../completion/text';
import { REGENERATE, type ProtocolRange, type RegenerateFilled, type RegenerateResult } from '../protocol';
import { LIMITS } from '../settings';
import { runExplicitFill, type ExplicitFillParts, type Prepared, type NotFilled } from './explicitFill';
import type { Feature } from './feature';
import { parseCount, parseDocument, parseRange, record } from './parameters';
import { offsetsOfRange, toProtocolRange } from './positions';

/** Fewer characters a token than code has on average, so that a selection never gets too small a hole. */
const CHARACTERS_PER_TOKEN = 2.5;

/** `parafill/regenerate`: a selection becomes a hole, and other texts for it come back. */
export class Regenerate implements Feature {
  readonly capabilities: ServerCapabilities = {};

  constructor(private readonly parts: ExplicitFillParts) {}

  register(connection: Connection): Disposable {
    return connection.onRequest(REGENERATE, (params: unknown, token: CancellationToken) =>
      this.answer(params, token),
    );
  }

  private async answer(params: unknown, cancellation: CancellationToken): Promise<RegenerateResult> {
    const given = record(params);
    const settings = this.parts.settings();
    const asked = parseDocument(given['textDocument']);
    if (asked.kind === 'wrong') return { kind: 'failed', reason: asked.reason };
    const range = parseRange('range', given['range']);
    if (range.kind === 'wrong') return { kind: 'failed', reason: range.reason };
    const limits = { ...LIMITS.candidates, fallback: settings.candidates };
    const candidates = parseCount('candidates', given['candidates'], limits);
    if (candidates.kind === 'wrong') return { kind: 'failed', reason: candidates.reason };
    const seed = parseCount('seed', given['seed'], { minimum: 0, maximum: 0xffff_ffff, fallback: 0 });
    if (seed.kind === 'wrong') return { kind: 'failed', reason: seed.reason };

    let kept = { before: '', after: '', range: range.value };
    return runExplicitFill<RegenerateFilled>(
      this.parts,
      asked.value,
      {
        request: 'regenerate',
        prepare: (document) => {
          const selection = selected(document, range.value);
          if (selection.kind !== 'selected') return selection;
          kept = selection;
          const { hole } = selection;
          const length = Math.ceil((hole.end - hole.start) / CHARACTERS_PER_TOKEN);
          return {
            kind: 'prepared',
            input: {
              holes: [hole],
              candidates: candidates.value,
              seed: seed.value,
              maxTokens: Math.min(Math.max(settings.maxTokens, length), LIMITS.maxTokens.maximum),
              dropUnchanged: true,
            },
          } satisfies Prepared;
        },
        finish: (filled, effort) => ({
          kind: 'filled',
          version: asked.value.version,
          range: kept.range,
          candidates: filled.candidates.map(({ fills, ...facts }) => ({
            ...facts,
            text: kept.before + (fills[0] ?? '') + kept.after,
          })),
          effort,
        }),
      },
      cancellation,
    );
  }
}

interface Selected {
  readonly kind: 'selected';
  /** What the model writes anew. */
  readonly hole: OffsetRange;
  /** The white space around it inside the selection, which stays as it is. */
  readonly before: string;
  readonly after: string;
  readonly range: ProtocolRange;
}

/**
 * A selection of whole lines begins with indentation and ends with a line break; both are known, and the
 * model is better at holes that begin and end where people put cursors.
 */
function selected(document: TextDocument, range: ProtocolRange): Selected | NotFilled {
  const offsets = offsetsOfRange(document, range);
  if (offsets.kind === 'outside') return { kind: 'failed', reason: offsets.reason };
  const { start, end } = offsets.range;
  if (start === end)
    return { kind: 'failed', reason: 'The selection is empty; select the text to regenerate.' };
  const text = document.getText().slice(start, end);
  const blank = text.trim() === '';
  const before = blank ? '' : text.slice(0, text.length - text.trimStart().length);
  const after = blank ? '' : text.slice(text.trimEnd().length);
  return {
    kind: 'selected',
    hole: { start: start + before.length, end: end - after.length },
    before,
    after,
    range: toProtocolRange(document, offsets.range),
  };
}
