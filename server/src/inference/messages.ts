import type { Device } from '../base/device';
import { sumOf } from '../base/sum';

/**
 * What travels between the language server and the inference process: plain data that structured clone
 * can copy. All text is LF; whoever reads files restores CRLF.
 */

/** The most tokens of a hole where nobody says. */
export const DEFAULT_MAX_TOKENS = 64;

/**
 * The most tokens a hole ever gets. What is more than a canvas holds is for one hole alone: it is filled block
 * by block.
 */
export const LONGEST_FILL = 512;
/** The most tokens of each of several holes: a canvas. */
export const LONGEST_JOINT_FILL = 128;

/**
 * `diffusion` fills in a few parallel steps, `ar` token by token with the same weights; `both` tries both where there is
 * one hole, and the likelier answer wins; `verify` gives what `ar` gives at temperature 0, drafted in parallel and checked
 * in one pass.
 */
export const INFILL_MODES = ['diffusion', 'ar', 'both', 'verify'] as const;
export type InfillMode = (typeof INFILL_MODES)[number];

export function isInfillMode(value: unknown): value is InfillMode {
  return INFILL_MODES.some((mode) => mode === value);
}

/** One request to fill the holes between `segments`: k + 1 segments stand around k holes. */
export interface InfillRequest {
  /** VS Code's language id; one the model does not know counts as "other". */
  readonly language: string;
  readonly path?: string;
  readonly segments: readonly string[];
  /** Pieces of other files, most useful first. A model that never saw any leaves them out. */
  readonly chunks?: readonly FileChunk[];
  /** Other files, most useful first: what is written there the same way is recalled from them. */
  readonly files?: readonly FileChunk[];
  readonly mode: InfillMode;
  /** The most tokens of every hole, or of each. */
  readonly maxTokens?: number | readonly number[];
  /** The most denoising passes, the one that finds the lengths included. */
  readonly steps?: number;
  /** Milliseconds for the whole request: steps there is no time for on this machine are left out, but for two. */
  readonly budgetMs?: number;
  /** A token at least this probable is decided at once, whatever the schedule says. */
  readonly threshold?: number;
  /** In mode `both`, so many more paths of tokens are tried that are not the likeliest at some place; absent: 6. */
  readonly turnings?: number;
  /**
   * In mode `ar` at temperature 0, nothing is read behind what is less likely than this, 0 to 1: such an answer is not
   * `complete`, and ends with the token that is too much. Absent: 0.
   */
  readonly least?: number;
  readonly candidates: number;
  /** 0 takes the likeliest tokens; above it they are drawn. */
  readonly temperature: number;
  readonly topP?: number;
  readonly seed: number;
  /** The true length of each hole in tokens, where it is known: a measure of what lengths cost. */
  readonly lengths?: readonly number[];
}

/** Some lines of another file, as the model reads them. */
export interface FileChunk {
  /** Short and with slashes, such as `src/ledger.ts`. */
  readonly path: string;
  readonly text: string;
}

/** What a request says of other files. */
export type OtherFiles = Pick<InfillRequest, 'chunks' | 'files'>;

/** Half-open, in UTF-16 units. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** A text's first so many UTF-16 units, and how likely all of them are: a natural log, read token by token. */
export interface Beginning {
  readonly end: number;
  readonly logProbability: number;
}

export interface InfillCandidate {
  /** One text a hole, in the order of the holes. */
  readonly fills: readonly string[];
  /**
   * For each hole, where its text was decided with little confidence: ascending, neither overlapping nor
   * touching, and never inside a character.
   */
  readonly uncertain: readonly (readonly TextSpan[])[];
  /** For each hole, the beginnings of its text that end with a token and a whole character, shortest first. */
  readonly beginnings: readonly (readonly Beginning[])[];
  /** Natural-log likelihood of all fills and their ends, read token by token. */
  readonly score: number;
  /** Whether every hole ended by itself and not at the limit of its tokens. */
  readonly complete: boolean;
  /** Mean probability of the tokens when they were decided, 0 to 1. */
  readonly confidence: number;
  /** How many of the candidates that were made said this: of N drawn ones, how often it was drawn. */
  readonly draws: number;
}

/** One candidate for all holes out of candidates for some of them each, in the order of the holes. */
export function asOne(parts: readonly InfillCandidate[]): InfillCandidate {
  return {
    fills: parts.flatMap((part) => part.fills),
    uncertain: parts.flatMap((part) => part.uncertain),
    beginnings: parts.flatMap((part) => part.beginnings),
    score: sumOf(parts, (part) => part.score),
    complete: parts.every((part) => part.complete),
    confidence: sumOf(parts, (part) => part.confidence) / parts.length,
    draws: Math.min(...parts.map((part) => part.draws)),
  };
}

/** Stands for one token that is not decided yet. */
export const UNDECIDED = '\u2591';

/** What a request has come to while it is still being worked on. */
export interface InfillProgress {
  /** One text a hole, with `UNDECIDED` for every token to come; empty where nothing is known yet. */
  readonly fills: readonly string[];
}

/** Milliseconds. */
export interface InfillTimings {
  readonly encodeMs: number;
  readonly denoiseMs: number;
  readonly rankMs: number;
  readonly totalMs: number;
}

export type InfillOutcome =
  | {
      readonly kind: 'filled';
      /** Best first, without duplicates. */
      readonly candidates: readonly InfillCandidate[];
      /** Passes that decided tokens. */
      readonly steps: number;
      readonly contextTokens: number;
      /** How many of the context's tokens were in the cache already. */
      readonly reusedTokens: number;
      /** How many pieces of other files the context begins with. */
      readonly chunks: number;
      readonly timings: InfillTimings;
    }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly reason: string };

/** What the status item and the log say about a loaded model. */
export interface ModelInfo {
  readonly name: string;
  readonly version: string;
  readonly provider: string;
  readonly threads: number;
  readonly loadMs: number;
  readonly warmupMs: number;
  /** The most tokens of a context, and which part of them pieces of other files may take: 0 if it knows none. */
  readonly contextLength: number;
  readonly fileShare: number;
  /** Whether it was measured to gain by recalling what stands elsewhere. */
  readonly recalls: boolean;
}

/** Handed to the inference process on its command line, as JSON. */
export interface WorkerOptions {
  readonly modelPath: string;
  /** Threads of one matrix product; absent: chosen for the machine. */
  readonly threads?: number;
  /** Absent: the CPU. */
  readonly device?: Device;
  /** The process is to try the device out and end, instead of answering requests. */
  readonly isProbe?: boolean;
}

/** Milliseconds of a denoising step. */
export interface StepSpeed {
  readonly tokens: number;
  readonly context: number;
  readonly deviceMs: number;
  readonly cpuMs: number;
}

/** What trying out a device came to. */
export type ProbeFinding =
  | {
      readonly kind: 'works';
      /** The largest difference of log-probabilities from the CPU's, among likely tokens. */
      readonly difference: number;
      readonly speed: StepSpeed;
    }
  | { readonly kind: 'failed'; readonly reason: string };

export type ToWorker =
  | {
      readonly type: 'infill';
      readonly id: number;
      readonly request: InfillRequest;
      /** Whether the sender wants to hear of its progress. */
      readonly progress: boolean;
    }
  | { readonly type: 'cancel'; readonly id: number };

export type FromWorker =
  | { readonly type: 'ready'; readonly info: ModelInfo }
  /** The model cannot be used at all; the process ends after saying so. */
  | { readonly type: 'unusable'; readonly reason: string }
  /** The last word of a process that was to try out a device. */
  | { readonly type: 'probed'; readonly finding: ProbeFinding }
  | { readonly type: 'progress'; readonly id: number; readonly progress: InfillProgress }
  | { readonly type: 'outcome'; readonly id: number; readonly outcome: InfillOutcome };
