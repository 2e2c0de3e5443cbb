import type { CancellationToken, Connection, ServerCapabilities } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Disposable } from '../base/lifecycle';
import { changedKeptLine, holesOfSelection, withFills } from '../completion/keptLines';
import type { OffsetRange } from '../completion/text';
import { LONGEST_FILL } from '../inference/messages';
import {
  REGENERATE,
  type Effort,
  type FailedResult,
  type ProtocolRange,
  type RegenerateFilled,
  type RegenerateResult,
} from '../protocol';
import { LIMITS } from '../settings';
import {
  runExplicitFill,
  type ExplicitFillParts,
  type Filled,
  type NotFilled,
  type Prepared,
} from './explicitFill';
import type { Feature } from './feature';
import { parseCount, parseDocument, parseNumber, parseRange, parseRanges, record } from './parameters';
import { offsetsOfRange, toProtocolRange } from './positions';
import { reporterFor, type FillReport } from './progress';

/** Fewer characters a token than code has on average, so that a selection never gets too small a hole. */
const CHARACTERS_PER_TOKEN = 2.5;

/** `parafill/regenerate`: a selection becomes holes around its kept lines, and other texts for it come back. */
export class Regenerate implements Feature {
  readonly capabilities: ServerCapabilities = {};

  constructor(private readonly parts: ExplicitFillParts) {}

  register(connection: Connection): Disposable {
    return connection.onRequest(REGENERATE, (params: unknown, token: CancellationToken) =>
      this.answer(params, token, reporterFor(connection, params)),
    );
  }

  private async answer(
    params: unknown,
    cancellation: CancellationToken,
    report: FillReport | undefined,
  ): Promise<RegenerateResult> {
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
    const heat = { ...LIMITS.temperature, fallback: settings.temperature };
    const temperature = parseNumber('temperature', given['temperature'], heat);
    if (temperature.kind === 'wrong') return { kind: 'failed', reason: temperature.reason };

    const keep = parseRanges('keep', given['keep']);
    if (keep.kind === 'wrong') return { kind: 'failed', reason: keep.reason };

    let selected: Selected | undefined;
    return runExplicitFill<RegenerateFilled>(
      this.parts,
      asked.value,
      {
        request: 'regenerate',
        prepare: (document) => {
          const found = select(document, range.value, keep.value ?? []);
          if (found.kind !== 'selected') return found;
          selected = found;
          return {
            kind: 'prepared',
            input: {
              holes: found.holes,
              candidates: candidates.value,
              seed: seed.value,
              ...(given['temperature'] === undefined ? {} : { temperature: temperature.value }),
              maxTokens: found.holes.map((hole) => roomFor(hole, settings.maxTokens)),
              dropUnchanged: true,
            },
          } satisfies Prepared;
        },
        finish: (filled, effort) => {
          // `finish` comes after `prepare` only.
          if (selected === undefined) throw new Error('There is no selection to give candidates for.');
          return toResult(selected, asked.value.version, filled, effort);
        },
      },
      cancellation,
      report,
    );
  }
}

/** As many tokens as the text has that is to be replaced, and no fewer than usual. */
function roomFor({ start, end }: OffsetRange, usual: number): number {
  const tokens = Math.ceil((end - start) / CHARACTERS_PER_TOKEN);
  return Math.min(Math.max(usual, tokens), LONGEST_FILL);
}

interface Selected {
  readonly kind: 'selected';
  readonly document: TextDocument;
  readonly selection: OffsetRange;
  readonly kept: readonly OffsetRange[];
  /** What the model writes anew: everything but the kept lines and the white space around. */
  readonly holes: readonly OffsetRange[];
}

function select(
  document: TextDocument,
  range: ProtocolRange,
  keep: readonly ProtocolRange[],
): Selected | NotFilled {
  const offsets = offsetsOfRange(document, range);
  if (offsets.kind === 'outside') return { kind: 'failed', reason: offsets.reason };
  const selection = offsets.range;
  if (selection.start === selection.end)
    return { kind: 'failed', reason: 'The selection is empty; select the text to regenerate.' };
  const kept: OffsetRange[] = [];
  for (const lines of keep) {
    const converted = offsetsOfRange(document, lines);
    if (converted.kind === 'outside') return { kind: 'failed', reason: converted.reason };
    kept.push(converted.range);
  }
  const rewrite = holesOfSelection(document.getText(), selection, kept);
  if (rewrite.kind === 'refused') return { kind: 'failed', reason: rewrite.reason };
  return { kind: 'selected', document, selection, kept, holes: rewrite.holes };
}

function toResult(
  { document, selection, kept, holes }: Selected,
  version: number,
  { candidates }: Filled,
  effort: Effort,
): RegenerateFilled | FailedResult {
  const text = document.getText();
  for (const { fills } of candidates) {
    const changed = changedKeptLine(text, holes, fills, kept);
    if (changed !== undefined) return { kind: 'failed', reason: changed };
  }
  const ranges = holes.map((hole) => toProtocolRange(document, hole));
  const inside = holes.map(({ start, end }) => ({
    start: start - selection.start,
    end: end - selection.start,
  }));
  const selectedText = text.slice(selection.start, selection.end);
  return {
    kind: 'filled',
    version,
    range: toProtocolRange(document, selection),
    candidates: candidates.map(({ fills, ...facts }) => ({
      ...facts,
      text: withFills(selectedText, inside, fills),
      edits: ranges.map((range, i) => ({ range, newText: fills[i] ?? '' })),
    })),
    effort,
  };
}
