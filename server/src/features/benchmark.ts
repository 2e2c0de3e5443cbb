import type { CancellationToken, Connection, ServerCapabilities } from 'vscode-languageserver';
import type { Disposable } from '../base/lifecycle';
import type { Infiller } from '../completion/infiller';
import type { InfillOutcome, InfillRequest } from '../inference/messages';
import { BENCHMARK, type BenchmarkResult } from '../protocol';
import { LIMITS } from '../settings';
import { BENCHMARK_SAMPLES } from './benchmarkSamples';
import type { Feature } from './feature';
import { parseCount, record } from './parameters';
import type { Turn, Turns } from './turns';

export interface BenchmarkParts {
  readonly infiller: Infiller;
  readonly turns: Turns;
}

/** How often each sample is filled again after its first time. */
const REPEATS = 3;

/** A usual fill of one place; the measure is speed, not length. */
const MAX_TOKENS = 32;

type Filled = Extract<InfillOutcome, { kind: 'filled' }>;

/** `parafill/benchmark`: how long one way of filling takes on this machine, measured on real fills. */
export class Benchmark implements Feature {
  readonly capabilities: ServerCapabilities = {};
  /** Makes every first time a first time. */
  private runs = 0;

  constructor(private readonly parts: BenchmarkParts) {}

  register(connection: Connection): Disposable {
    return connection.onRequest(BENCHMARK, (params: unknown, token: CancellationToken) =>
      this.answer(params, token),
    );
  }

  private async answer(params: unknown, cancellation: CancellationToken): Promise<BenchmarkResult> {
    const given = record(params);
    const { mode } = given;
    if (mode !== 'diffusion' && mode !== 'ar') {
      const reason = `mode: expected "diffusion" or "ar", got ${JSON.stringify(mode)}.`;
      return { kind: 'failed', reason };
    }
    const steps = parseCount('steps', given['steps'], { ...LIMITS.steps, minimum: 1, fallback: 4 });
    if (steps.kind === 'wrong') return { kind: 'failed', reason: steps.reason };
    const turn = this.parts.turns.beginExplicit('benchmark', '', cancellation);
    try {
      return await this.measure({ mode, ...(mode === 'ar' ? {} : { steps: steps.value }) }, turn.token);
    } finally {
      turn.dispose();
    }
  }

  private async measure(
    way: Pick<InfillRequest, 'mode' | 'steps'>,
    cancellation: Turn['token'],
  ): Promise<BenchmarkResult> {
    const first: Filled[] = [];
    const again: Filled[] = [];
    for (const { language, before, after } of BENCHMARK_SAMPLES) {
      this.runs += 1;
      const request: InfillRequest = {
        ...way,
        language,
        // What stands behind the hole's line is read first: changed, it makes everything new.
        segments: [before, `${after}\n${this.runs}\n`],
        maxTokens: MAX_TOKENS,
        // Decided by the steps alone, not by how sure the model happens to be.
        threshold: 2,
        candidates: 1,
        temperature: 0,
        seed: 0,
      };
      for (let repeat = 0; repeat <= REPEATS; repeat++) {
        const outcome = await this.parts.infiller.infill(request, cancellation);
        if (outcome.kind === 'failed') return outcome;
        if (outcome.kind === 'cancelled')
          return { kind: 'cancelled', reason: 'The benchmark was cancelled.' };
        (repeat === 0 ? first : again).push(outcome);
      }
    }
    const of = (fills: readonly Filled[], time: keyof Filled['timings']): number =>
      median(fills.map(({ timings }) => timings[time]));
    return {
      kind: 'measured',
      fills: first.length + again.length,
      passes: median(again.map(({ steps }) => steps)),
      firstMs: of(first, 'totalMs'),
      againMs: of(again, 'totalMs'),
      encodeMs: of(first, 'encodeMs'),
      denoiseMs: of(again, 'denoiseMs'),
      rankMs: of(again, 'rankMs'),
      slowestMs: Math.max(...[...first, ...again].map(({ timings }) => timings.totalMs)),
    };
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
