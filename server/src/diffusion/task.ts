import type { HoleMemory } from './holeMemory';
import type { KvCache, ModelLayout } from './model';

/**
 * A hole begins with the rest of a token: a cursor in the middle of a word asks for that, not for a part of a word that
 * hardly ever stands alone.
 */
export interface Opening {
  /** The only tokens that may come first, ascending. */
  readonly ids: Int32Array;
  /** The one of them, if any, that says nothing but what stands before the hole. */
  readonly bare: number | undefined;
  /** Natural log of how likely the hole begins so, where the text before it can go on in other ways, too; absent: 0. */
  readonly logShare?: number;
}

/** How holes behind one context shall be filled. */
export interface InfillTask {
  readonly context: KvCache;
  readonly holes: number;
  /** What stands before each hole on its line and is not in the context; see `CanvasHole`. */
  readonly leads?: readonly Int32Array[];
  /** How each hole has to begin, where its lead lacks the beginning of a token. */
  readonly openings?: readonly (Opening | undefined)[];
  /** What is recalled in each hole; absent where the model goes without. */
  readonly memories?: readonly HoleMemory[];
  /** The most tokens of each hole, at least 1. */
  readonly maxTokens: readonly number[];
  /** Denoising passes at most, the one that finds the lengths included; at least 1. */
  readonly steps: number;
  /**
   * How many of them there is time for, once the first one has told how many tokens the others read. At least
   * one more is taken in any case; absent: as many as `steps` says.
   */
  readonly affordable?: (tokens: number) => number;
  /** See `DenoisingSchedule`. */
  readonly threshold: number;
  /** How many different lengths are tried at temperature 0 even when fewer candidates are wanted. */
  readonly hypotheses: number;
  readonly candidates: number;
  /** At temperature 0, how many ways a reading token by token goes: each begins with another token; absent: one. */
  readonly ways?: number;
  /** Where it goes several: how many more leave one of these later, for the second likeliest token; absent: none. */
  readonly turnings?: number;
  /** A reading token by token at temperature 0 stops where it gets less likely than this, 0 to 1; absent: 0. */
  readonly least?: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  /** The lengths of all holes, where they are known. */
  readonly lengths?: readonly number[];
  /** Where the only hole is a part of a longer one. */
  readonly block?: HoleBlock;
}

/** One of the canvases that a long hole is filled with, one after the other. */
export interface HoleBlock {
  /** The token before it, where that is one of the fill: everything before it is in the context. */
  readonly anchor: number | undefined;
  /** Whether the hole has to end here. If not, it goes on where that is likelier than an end. */
  readonly isLast: boolean;
}

/** Tokens for all holes. */
export interface FilledCandidate {
  readonly fills: readonly Int32Array[];
  /** float64 [tokens] per hole: how sure the model was of each token when it was decided, 0 to 1. */
  readonly confidences: readonly Float64Array[];
  /** float64 [tokens, then the end if it was decided] per hole: natural logs, each token read after all before it. */
  readonly logProbabilities: readonly Float64Array[];
  readonly complete: boolean;
  /** Their sum. */
  readonly score: number;
}

export interface Filled {
  /** In the order in which they were made. */
  readonly candidates: readonly FilledCandidate[];
  readonly steps: number;
  readonly denoiseMs: number;
  readonly rankMs: number;
}

/**
 * Told after every pass what the tokens of all holes are by now. Those that are not decided yet are masks;
 * where the length is not known yet, they are left out.
 */
export type ProgressReport = (fills: readonly Int32Array[]) => void;

/** The given tokens before a hole. */
export function leadOf(task: InfillTask, hole: number): Int32Array {
  return task.leads?.[hole] ?? new Int32Array();
}

/** Tokens of the longest lead: what every canvas has to spare. */
export function longestLead(task: InfillTask): number {
  return Math.max(0, ...(task.leads ?? []).map((lead) => lead.length));
}

/** The most tokens of each hole that fit into one canvas, at least 1: known lengths count as wishes. */
export function canvasLimits(task: InfillTask, { maxCanvas }: ModelLayout): number[] {
  const room = maxCanvas - longestLead(task);
  return task.maxTokens.map((most, hole) => Math.min(room, Math.max(most, task.lengths?.[hole] ?? 0)));
}

/**
 * The most tokens of a hole that is not bound to a canvas: one hole alone has the positions of all others to
 * itself, several stop where the next one begins.
 */
export function mostTokens(task: InfillTask, { holeStride, maxHoles, maxCanvas }: ModelLayout): number {
  return maxCanvas + (task.holes === 1 ? holeStride * (maxHoles - 1) : 0) - longestLead(task);
}

/** The mean over the tokens of all holes; 1 where there are none. */
export function meanConfidence({ confidences }: Pick<FilledCandidate, 'confidences'>): number {
  let sum = 0;
  let tokens = 0;
  for (const hole of confidences) {
    for (const confidence of hole) sum += confidence;
    tokens += hole.length;
  }
  return tokens === 0 ? 1 : sum / tokens;
}
