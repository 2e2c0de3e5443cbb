import { chunkLength } from '../../server/src/runtime/onnxModel';
import type { Machine } from '../machine';
import { quantile, shareOf } from '../statistics';
import { saved, type Saving } from './saved';
import type { Asked } from './replay';

/** What `npm run bench:typing -- --json` prints. Shares are of 1, and null where there was nothing to share. */
export interface TypingReport {
  readonly machine: Machine;
  readonly model: string;
  readonly files: readonly string[];
  readonly speed: number;
  readonly seed: number;
  readonly requests: number;
  /** Those that were answered before the next keystroke; all times but `stop` are about these. */
  readonly answered: number;
  readonly superseded: number;
  readonly failed: number;
  /** Milliseconds from the keystroke to the answer, the server's own pause included. */
  readonly latencyMs: Percentiles | null;
  /** The model's part of it, where it was run. */
  readonly modelMs: Percentiles | null;
  /** Share of the answered requests for which the model was not run, because an earlier answer goes on. */
  readonly fromCache: number | null;
  /** Of the requests that ran the model: in how many at least half of the context was known already … */
  readonly contextReused: number | null;
  /** … what share of all their context tokens was … */
  readonly tokensReused: number | null;
  /** … and how many tokens a context usually had. */
  readonly contextTokens: number | null;
  readonly stop: {
    /** Milliseconds from the next keystroke to the end of the request it superseded. */
    readonly ms: Percentiles | null;
    /** The longest pass of a usual request and the way to the server and back. */
    readonly stepMs: number | null;
    readonly withinAStep: number | null;
  };
  /**
   * Characters that accepting what was right would have typed, and their share of all that were typed; how many
   * completions that were, of how many that were shown.
   */
  readonly saved: {
    readonly characters: number;
    readonly accepted: number;
    readonly shown: number;
    readonly share: number | null;
  };
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

type Figures = Omit<TypingReport, 'machine' | 'model' | 'files' | 'speed' | 'seed'>;

/**
 * @param replays one list a file, in the order of typing.
 * @param roundTripMs what a request takes that has nothing to do.
 */
export function summarise(replays: readonly (readonly Asked[])[], roundTripMs: number): Figures {
  const all = replays.flat();
  const superseded = all.filter((asked) => asked.stoppedMs !== undefined);
  const answered = all.filter((asked) => asked.stoppedMs === undefined);
  const known = answered.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
  const efforts = known.flatMap(({ effort }) => (effort === undefined ? [] : [effort]));
  const total = (key: 'contextTokens' | 'reusedTokens'): number =>
    efforts.reduce((sum, e) => sum + e[key], 0);

  const passes = efforts.map(({ contextTokens, reusedTokens, encodeMs, denoiseMs, rankMs, steps }) => {
    const chunks = Math.max(1, Math.ceil((contextTokens - reusedTokens) / chunkLength));
    return Math.max(encodeMs / chunks, denoiseMs / Math.max(1, steps), rankMs);
  });
  const stepMs = passes.length === 0 ? null : quantile(passes, 0.95) + roundTripMs;
  const stops = superseded.map(({ stoppedMs = 0 }) => stoppedMs);
  const savings = replays.map((asked) => saved(asked));
  const totalSaved = (key: keyof Saving): number => savings.reduce((sum, saving) => sum + saving[key], 0);
  const [characters, typed] = [totalSaved('characters'), totalSaved('typed')];
  return {
    requests: all.length,
    answered: answered.length,
    superseded: superseded.length,
    failed: known.filter(({ kind }) => kind === 'failed').length,
    latencyMs: percentiles(answered.map(({ answeredMs }) => answeredMs)),
    modelMs: percentiles(efforts.map(({ encodeMs, denoiseMs, rankMs }) => encodeMs + denoiseMs + rankMs)),
    fromCache: shareOf(
      known,
      ({ kind, effort }) => kind === 'cached' || (kind === 'empty' && effort === undefined),
    ),
    contextReused: shareOf(efforts, ({ contextTokens, reusedTokens }) => 2 * reusedTokens >= contextTokens),
    tokensReused: efforts.length === 0 ? null : total('reusedTokens') / total('contextTokens'),
    contextTokens:
      efforts.length === 0
        ? null
        : quantile(
            efforts.map(({ contextTokens }) => contextTokens),
            0.5,
          ),
    stop: {
      ms: percentiles(stops),
      stepMs,
      withinAStep: stepMs === null ? null : shareOf(stops, (ms) => ms <= stepMs),
    },
    saved: {
      characters,
      accepted: totalSaved('accepted'),
      shown: totalSaved('shown'),
      share: typed === 0 ? null : characters / typed,
    },
  };
}

function percentiles(values: readonly number[]): Percentiles | null {
  if (values.length === 0) return null;
  return { p50: quantile(values, 0.5), p95: quantile(values, 0.95), p99: quantile(values, 0.99) };
}
