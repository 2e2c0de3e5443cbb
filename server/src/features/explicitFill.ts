import type { CancellationToken, TextDocuments } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Infiller } from '../completion/infiller';
import { fillJointly, type JointFillInput, type JointFillOutcome } from '../completion/jointFill';
import type { SyntaxChecker } from '../completion/syntaxCheck';
import type {
  CancelledResult,
  Effort,
  EmptyResult,
  FailedResult,
  OutcomeKind,
  StaleResult,
  VersionedDocument,
} from '../protocol';
import { wantedEffort, type Settings } from '../settings';
import { toEffort, type Outcomes } from './outcomes';
import { toProtocolRange } from './positions';
import type { FillReport } from './progress';
import type { Turns } from './turns';
import type { Workspace } from './workspace';

export interface ExplicitFillParts {
  readonly documents: TextDocuments<TextDocument>;
  readonly settings: () => Settings;
  readonly infiller: Infiller;
  readonly syntax: SyntaxChecker;
  /** What other files give for the text around a place. */
  readonly otherFiles: Workspace['otherFiles'];
  readonly turns: Turns;
  readonly outcomes: Outcomes;
  /** What the model runs on, for the explanation. */
  readonly provider: () => string | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

export type NotFilled = EmptyResult | StaleResult | CancelledResult | FailedResult;

export type Filled = Extract<JointFillOutcome, { kind: 'filled' }>;

/** What one command asks for, once the document is found at the version it was asked about. */
export interface ExplicitFill<Result> {
  readonly request: 'fillHoles' | 'regenerate';
  /** The holes and how to fill them, or why that cannot be. */
  readonly prepare: (document: TextDocument) => Prepared | NotFilled;
  /** The answer, or what is wrong with what the model gave. */
  readonly finish: (filled: Filled, effort: Effort) => Result | FailedResult;
}

/** At temperature 0 every seed gives the same, and who asks with another seed has seen that already. */
const RESAMPLING_TEMPERATURE = 0.7;

export interface Prepared {
  readonly kind: 'prepared';
  readonly input: Pick<JointFillInput, 'holes' | 'candidates' | 'seed' | 'maxTokens' | 'dropUnchanged'> & {
    /** In place of the setting. */
    readonly temperature?: number;
  };
}

/**
 * What all explicit commands have in common: the document's version is checked before and after, a newer
 * request replaces this one, and the outcome is remembered for "Why No Suggestion?".
 */
export async function runExplicitFill<Result extends { readonly kind: 'filled' }>(
  parts: ExplicitFillParts,
  asked: VersionedDocument,
  fill: ExplicitFill<Result>,
  cancellation: CancellationToken,
  report?: FillReport,
): Promise<Result | NotFilled> {
  const started = parts.now();
  const elapsed = (): number => parts.now() - started;

  const document = parts.documents.get(asked.uri);
  const prepared = open(parts, asked, document, fill);
  if (prepared.result !== undefined) {
    remember(parts, asked, fill.request, prepared.result, elapsed());
    return prepared.result;
  }

  const settings = parts.settings();
  const turn = parts.turns.beginExplicit(fill.request, asked.uri, cancellation);
  const holes = prepared.input.holes.map((hole) => toProtocolRange(prepared.document, hole));
  let outcome: JointFillOutcome;
  try {
    outcome = await fillJointly(
      parts.infiller,
      parts.syntax,
      {
        language: prepared.document.languageId,
        text: prepared.document.getText(),
        temperature: temperatureFor(prepared.input, settings.temperature),
        otherFiles: (segments) =>
          parts.otherFiles(prepared.document, prepared.input.holes[0]?.start ?? 0, segments),
        ...wantedEffort(settings),
        ...prepared.input,
      },
      turn.token,
      report && ((progress) => report({ holes, fills: progress.fills })),
    );
    if (outcome.kind === 'cancelled' && turn.cancelledBecause !== undefined) {
      outcome = { kind: 'cancelled', reason: turn.cancelledBecause };
    }
  } finally {
    turn.dispose();
  }

  // Stale goes before everything else: whatever came out was for a text that is gone.
  const stale = staleness(asked, parts.documents.get(asked.uri));
  let result: Result | NotFilled;
  if (stale !== undefined) result = stale;
  else if (outcome.kind === 'filled') result = fill.finish(outcome, toEffort(outcome.effort, elapsed()));
  else if (outcome.kind === 'empty') result = { kind: 'empty', reason: outcome.reason };
  else result = outcome;
  remember(parts, asked, fill.request, result, elapsed(), outcome);
  return result;
}

function temperatureFor({ seed }: Prepared['input'], usual: number): number {
  return seed === 0 ? usual : Math.max(usual, RESAMPLING_TEMPERATURE);
}

type Opened =
  | { readonly result: NotFilled }
  | { readonly result?: undefined; readonly document: TextDocument; readonly input: Prepared['input'] };

function open(
  parts: ExplicitFillParts,
  asked: VersionedDocument,
  document: TextDocument | undefined,
  fill: Pick<ExplicitFill<unknown>, 'prepare'>,
): Opened {
  if (!parts.settings().enable) {
    return { result: { kind: 'failed', reason: 'Parafill is switched off by the setting parafill.enable.' } };
  }
  if (document === undefined) {
    return { result: { kind: 'failed', reason: `The document ${asked.uri} is not open in the server.` } };
  }
  const stale = staleness(asked, document);
  if (stale !== undefined) return { result: stale };
  const prepared = fill.prepare(document);
  return prepared.kind === 'prepared' ? { document, input: prepared.input } : { result: prepared };
}

function staleness(asked: VersionedDocument, document: TextDocument | undefined): StaleResult | undefined {
  if (document?.version === asked.version) return undefined;
  const now = document === undefined ? 'was closed' : `is at version ${document.version}`;
  return {
    kind: 'stale',
    reason: `The document changed: the request is about version ${asked.version}, but the document ${now}. Try again.`,
    requestedVersion: asked.version,
    ...(document === undefined ? {} : { currentVersion: document.version }),
  };
}

function remember(
  { outcomes, provider }: ExplicitFillParts,
  { uri, version }: VersionedDocument,
  request: 'fillHoles' | 'regenerate',
  result: NotFilled | { readonly kind: 'filled' },
  totalMs: number,
  outcome?: JointFillOutcome,
): void {
  const computed = outcome?.kind === 'filled' || outcome?.kind === 'empty' ? outcome : undefined;
  const provided = provider();
  const kind: OutcomeKind = result.kind;
  outcomes.record({
    request,
    kind,
    reason: result.kind === 'filled' ? 'The model was run.' : result.reason,
    uri,
    version,
    totalMs,
    candidatesComputed: computed?.computed ?? 0,
    candidatesOffered: outcome?.kind === 'filled' && result.kind === 'filled' ? outcome.candidates.length : 0,
    filters: computed?.filters ?? [],
    ...(computed === undefined ? {} : { effort: toEffort(computed.effort, totalMs) }),
    ...(provided === undefined ? {} : { provider: provided }),
  });
}
