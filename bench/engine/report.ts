import type { Machine } from '../machine';
import type { Summary } from '../statistics';

/**
 * What `npm run bench -- --json` prints. Milliseconds, medians; a key that ends in "Spread" is the distance
 * between the quartiles of the key before it.
 */
export interface BenchReport {
  readonly machine: Machine & {
    readonly threads: number;
    readonly model: string;
    readonly rates: RateReport;
  };
  /** A context read cold. */
  readonly encode: readonly { readonly tokens: number; readonly ms: number; readonly msSpread: number }[];
  /** New tokens at the end of a context that is known. */
  readonly append: {
    readonly tokens: number;
    readonly context: number;
    readonly ms: number;
    readonly msSpread: number;
  };
  readonly steps: readonly StepReport[];
  readonly fills: readonly (FillReport & { readonly steps: number })[];
  readonly joint: FillReport & { readonly holes: number; readonly steps: number };
  readonly candidates: readonly CandidatesReport[];
  /** See `WorkerFigures`. */
  readonly memoryMb: number | null;
  readonly idleCpuPercent: number | null;
  readonly readyMs: number;
  readonly readyMsSpread: number;
  /** What was not measured, and why. */
  readonly leftOut: readonly string[];
}

/** See `measureRates`. */
export interface RateReport {
  readonly int8GigaOperationsPerSecond: number;
  readonly floatGigaOperationsPerSecond: number;
  readonly gigabytesPerSecond: number;
}

/** One denoising step and what the machine could do at best. */
export interface StepReport {
  readonly hole: number;
  readonly context: number;
  readonly ms: number;
  readonly msSpread: number;
  /** Of that the pass itself; the rest is the choice of the tokens. */
  readonly passMs: number;
  readonly int8Operations: number;
  readonly floatOperations: number;
  readonly bytes: number;
  /** The least that these rates allow. */
  readonly limitMs: number;
  /** limitMs ÷ ms: 1 would be perfect. */
  readonly ofLimit: number;
}

/** The same number of tokens filled in parallel and one by one. */
export interface FillReport {
  readonly hole: number;
  readonly context: number;
  readonly diffusionMs: number;
  readonly diffusionMsSpread: number;
  readonly arMs: number;
  readonly arMsSpread: number;
  readonly llamaCppMs: number | null;
  readonly llamaCppMsSpread: number | null;
  /** How many times faster than the AR twin: arMs ÷ diffusionMs. */
  readonly ratio: number;
  readonly llamaCppRatio: number | null;
}

/** Several candidates at once: drawn, and as an editor asks for them. */
export interface CandidatesReport {
  readonly count: number;
  readonly hole: number;
  readonly context: number;
  readonly steps: number;
  readonly ms: number;
  readonly msSpread: number;
  /** How many times what one candidate takes. */
  readonly ofOne: number;
  /** The same where the lengths are to be found. */
  readonly askedMs: number;
  readonly askedMsSpread: number;
  readonly askedOfOne: number;
}

/** One row's comparison. */
export function compareFills(
  { hole, context }: { readonly hole: number; readonly context: number },
  diffusion: Summary,
  ar: Summary,
  llamaCpp: Summary | null,
): FillReport {
  return {
    hole,
    context,
    diffusionMs: diffusion.median,
    diffusionMsSpread: diffusion.spread,
    arMs: ar.median,
    arMsSpread: ar.spread,
    llamaCppMs: llamaCpp?.median ?? null,
    llamaCppMsSpread: llamaCpp?.spread ?? null,
    ratio: ar.median / diffusion.median,
    llamaCppRatio: llamaCpp === null ? null : llamaCpp.median / diffusion.median,
  };
}
