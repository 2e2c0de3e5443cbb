/**
 * The custom part of the protocol between the client and the language server: method names and
 * plain data types, nothing else. It is the only server file the client imports, and it imports
 * nothing itself, so that either side can be replaced.
 *
 * Inline completion is not here on purpose: it is the standard `textDocument/inlineCompletion` of
 * LSP 3.18, so that any editor can use the server without knowing this file.
 *
 * Every result is a union over `kind`. A request that could not be served is answered with a kind
 * and a reason, never with a protocol error, because "the document changed meanwhile" is as normal
 * an answer as a filled hole.
 */

/** Zero-based line and UTF-16 code unit, as in LSP. */
export interface ProtocolPosition {
  readonly line: number;
  readonly character: number;
}

/** Half-open: `end` is the first position that no longer belongs to the range. */
export interface ProtocolRange {
  readonly start: ProtocolPosition;
  readonly end: ProtocolPosition;
}

/** Replace `range` of the document version asked about by `newText` (line ends as in the document). */
export interface ProtocolTextEdit {
  readonly range: ProtocolRange;
  readonly newText: string;
}

/** A document at exactly the version the caller looked at. */
export interface VersionedDocument {
  readonly uri: string;
  readonly version: number;
}

/** The document changed, so ranges of the answer would point at the wrong text. */
export interface StaleResult {
  readonly kind: 'stale';
  readonly reason: string;
  /** The version the caller asked about. */
  readonly requestedVersion: number;
  /** The version the server has now; absent when the document was closed. */
  readonly currentVersion?: number;
}

/** The caller cancelled, or a newer request took the place of this one. */
export interface CancelledResult {
  readonly kind: 'cancelled';
  readonly reason: string;
}

/** Something broke or the request could not be understood; the reason says what to do. */
export interface FailedResult {
  readonly kind: 'failed';
  readonly reason: string;
}

/** Everything worked and there is nothing to offer; the reason says why. */
export interface EmptyResult {
  readonly kind: 'empty';
  readonly reason: string;
}

/** What it took to compute an answer. All times in milliseconds. */
export interface Effort {
  /** Denoising passes that were run, of several holes the most that one took. */
  readonly steps: number;
  /** Context tokens the model read, and how many of these came from its cache. */
  readonly contextTokens: number;
  readonly reusedTokens: number;
  /** How many pieces of other files the context began with. */
  readonly chunks: number;
  readonly encodeMs: number;
  readonly denoiseMs: number;
  readonly rankMs: number;
  /** From the arrival of the request at the server to its answer. */
  readonly totalMs: number;
}

/** Half-open, in UTF-16 code units of some text. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** What is known about a candidate; facts, not percentages. */
export interface CandidateFacts {
  /** For each hole, where the model was unsure of its new text: ascending, neither overlapping nor touching. */
  readonly uncertain: readonly (readonly TextSpan[])[];
  /** Natural logarithm of the model's likelihood of the whole fill: higher is better. */
  readonly score: number;
  /** Whether the filled file has no more syntax errors than it must; absent without a grammar. */
  readonly parses?: boolean;
  /** Whether the model itself ended every hole, rather than running out of room. */
  readonly complete: boolean;
  /** Mean confidence of the tokens when they were decided, in 0…1. */
  readonly confidence: number;
}

/**
 * What a fill has come to while it is being computed, as the value of `$/progress`. It is for looking at only:
 * the candidate that wins in the end may be another one.
 */
export interface FillProgress {
  /** The holes in document order. */
  readonly holes: readonly ProtocolRange[];
  /** One text per hole, with a `░` for each token that is not decided yet; empty where nothing is known yet. */
  readonly fills: readonly string[];
}

/** Given with an explicit request: its progress is reported with this token, at most ten times a second. */
export interface ProgressParams {
  readonly progressToken?: string | number;
}

// --- Fill holes -----------------------------------------------------------------------------

/** The pair of characters that marks a hole in a document: `⟦⟧`, with nothing or a size between. */
export const HOLE_OPEN = '\u27e6';
export const HOLE_CLOSE = '\u27e7';

export const FILL_HOLES = 'parafill/fillHoles';

export interface FillHolesParams extends ProgressParams {
  readonly textDocument: VersionedDocument;
  /**
   * The ranges to fill, jointly: what they contain is replaced by something else. Without them the `⟦⟧` markers of
   * the document are the holes (of `within` only, when that is given).
   */
  readonly holes?: readonly ProtocolRange[];
  readonly within?: ProtocolRange;
  /** How many candidates at most; default 1. */
  readonly candidates?: number;
  /** The same seed gives the same answer; default 0. */
  readonly seed?: number;
}

export interface FillHolesCandidate extends CandidateFacts {
  /** One edit per hole, in document order; they never overlap. Apply all of them as one change. */
  readonly edits: readonly ProtocolTextEdit[];
}

export interface FillHolesFilled {
  readonly kind: 'filled';
  /** The version all ranges refer to: refuse to apply the edits to any other. */
  readonly version: number;
  /** The holes in document order. */
  readonly holes: readonly ProtocolRange[];
  /** Best first, at least one. */
  readonly candidates: readonly FillHolesCandidate[];
  readonly effort: Effort;
}

export type FillHolesResult = FillHolesFilled | EmptyResult | StaleResult | CancelledResult | FailedResult;

// --- Regenerate a selection -----------------------------------------------------------------

export const REGENERATE = 'parafill/regenerate';

export interface RegenerateParams extends ProgressParams {
  readonly textDocument: VersionedDocument;
  /** The selection to write anew; must not be empty. */
  readonly range: ProtocolRange;
  /**
   * Whole lines of the selection that must stay, each range without its last line break. What is between them
   * becomes several holes, filled jointly. Without any, the selection is one hole.
   */
  readonly keep?: readonly ProtocolRange[];
  /** How many candidates at most; default is the setting `parafill.candidates`. */
  readonly candidates?: number;
  /** Another seed gives other candidates; default 0. */
  readonly seed?: number;
  /**
   * How much chance there is in them, 0…2; default is the setting `parafill.temperature`, and with a seed other than
   * 0 no less than 0.7: at 0 a seed would change nothing.
   */
  readonly temperature?: number;
}

export interface RegenerateCandidate extends CandidateFacts {
  /** The text to stand where the selection was, with the document's line ends. */
  readonly text: string;
  /** The same as one edit per hole, in document order; kept lines and white space around holes are in none. */
  readonly edits: readonly ProtocolTextEdit[];
}

export interface RegenerateFilled {
  readonly kind: 'filled';
  /** The version `range` refers to: refuse to apply a candidate to any other. */
  readonly version: number;
  readonly range: ProtocolRange;
  /** Best first, at least one, none identical to the original text. */
  readonly candidates: readonly RegenerateCandidate[];
  readonly effort: Effort;
}

export type RegenerateResult = RegenerateFilled | EmptyResult | StaleResult | CancelledResult | FailedResult;

// --- Status ---------------------------------------------------------------------------------

/** Sent by the server whenever the status changes, to clients that want it; the same data can be asked for. */
export const STATUS_CHANGED = 'parafill/status';
export const GET_STATUS = 'parafill/getStatus';

/**
 * - `loading`: the model is being loaded or the inference process is being restarted.
 * - `ready`: requests are answered within the budget.
 * - `slow`: requests are answered, but automatic completion misses its time budget.
 * - `paused`: the settings switched completion off (all of it, or the automatic part).
 * - `error`: no request can be answered until `reason` is dealt with.
 */
export type StatusKind = 'loading' | 'ready' | 'slow' | 'paused' | 'error';

export interface StatusParams {
  readonly kind: StatusKind;
  /** A sentence for a person; present for every kind but `loading` and `ready`, where it may be. */
  readonly reason?: string;
  /** Present once a model is loaded. */
  readonly model?: { readonly name: string; readonly version: string; readonly path: string };
  /** Where the model runs, for example `cpu`. */
  readonly provider?: string;
  /** Median milliseconds of the latest automatic completions that ran the model. */
  readonly measuredMs?: number;
  /** Whether a request is being computed right now. */
  readonly busy: boolean;
  /** A custom model or a provider that could not be used although the bundled one or the CPU works; a sentence. */
  readonly warning?: string;
  /** The operating system's id of the inference process, for support and tests. */
  readonly inferencePid?: number;
}

// --- Why no suggestion? ---------------------------------------------------------------------

export const LAST_OUTCOME = 'parafill/lastOutcome';

export type OutcomeKind = 'filled' | 'cached' | 'empty' | 'skipped' | 'cancelled' | 'stale' | 'failed';

/** What became of the latest request, for "Why No Suggestion?". Never contains source text. */
export interface OutcomeExplanation {
  readonly request: 'inlineCompletion' | 'fillHoles' | 'regenerate';
  readonly kind: OutcomeKind;
  /** A sentence for a person: which rule skipped it, which filters dropped what, which error. */
  readonly reason: string;
  readonly uri: string;
  readonly version: number;
  /** When it was answered: milliseconds since 1970. */
  readonly at: number;
  readonly totalMs: number;
  /** How many candidates the model gave and how many were offered. */
  readonly candidatesComputed: number;
  readonly candidatesOffered: number;
  /** The filters that changed or dropped a candidate, in order, without repeats. */
  readonly filters: readonly string[];
  readonly effort?: Effort;
  readonly provider?: string;
}

/** The answer to `LAST_OUTCOME`, which takes no parameters: `null` before the first request. */
export type LastOutcomeResult = OutcomeExplanation | null;

// --- Another model --------------------------------------------------------------------------

/** Loads the model of a folder beside the one in use, to find out whether it can be used. */
export const CHECK_MODEL = 'parafill/checkModel';

export interface CheckModelParams {
  /** A folder with a `manifest.json`. */
  readonly path: string;
}

export interface UsableModel {
  readonly kind: 'usable';
  readonly name: string;
  readonly version: string;
  /** Where it would run, for example `cpu`. */
  readonly provider: string;
}

export type CheckModelResult = UsableModel | FailedResult;

// --- Benchmark ------------------------------------------------------------------------------

/** Measures one way of filling on samples of the server's own; takes seconds. */
export const BENCHMARK = 'parafill/benchmark';

export interface BenchmarkParams {
  /** In parallel steps, or token by token with the same weights. */
  readonly mode: 'diffusion' | 'ar';
  /** Denoising passes, for `diffusion`; default 4. */
  readonly steps?: number;
}

/** Medians, in milliseconds. */
export interface BenchmarkMeasured {
  readonly kind: 'measured';
  /** How many fills were measured. */
  readonly fills: number;
  /** Passes of a fill that decided tokens. */
  readonly passes: number;
  /** A fill in a place whose context was not read before, and again in the same place. */
  readonly firstMs: number;
  readonly againMs: number;
  /** Parts of these: reading the context the first time, deciding tokens, scoring the result. */
  readonly encodeMs: number;
  readonly denoiseMs: number;
  readonly rankMs: number;
  /** The slowest fill of all. */
  readonly slowestMs: number;
}

export type BenchmarkResult = BenchmarkMeasured | CancelledResult | FailedResult;

/** Sent to the server, without parameters, when the person comes to trust the workspace. */
export const WORKSPACE_TRUSTED = 'parafill/workspaceTrusted';

// --- Start ----------------------------------------------------------------------------------

/**
 * `initializationOptions`. Editors without `workspace/configuration` give their settings here; the
 * keys are those of `parafill.*` without the prefix, see settings.ts.
 */
export interface InitializationOptions {
  /** Whether the person trusts the workspace; `false`: no file is read that is not open. Absent: trusted. */
  readonly trusted?: boolean;
  readonly settings?: unknown;
  /** Whether `STATUS_CHANGED` is sent: an editor that knows only LSP shall not be sent anything else. */
  readonly statusNotifications?: boolean;
}
