import { turn } from '../base/async';
import type { CancellationToken } from '../base/cancellation';
import { neverCancelled } from '../base/cancellation';
import { autoregress } from '../diffusion/autoregress';
import { type Filled, type InfillTask, infill } from '../diffusion/infill';
import type { MaskedDiffusionModel, StopPoll } from '../diffusion/model';
import type { Manifest } from '../runtime/manifest';
import type { Tokenizer } from '../tokenizer/tokenizer';
import { ContextBuilder, type Lead } from './contextBuilder';
import { findProblem } from './infillRequest';
import type { InfillCandidate, InfillOutcome, InfillRequest } from './messages';

/** The tokens a hole gets at most where the request does not say. */
const defaultMaxTokens = 64;
const defaultTopP = 0.95;

/** One context's holes, filled. */
interface Group {
  readonly candidates: readonly InfillCandidate[];
  readonly steps: number;
  readonly contextTokens: number;
  readonly reusedTokens: number;
  readonly encodeMs: number;
  readonly denoiseMs: number;
  readonly rankMs: number;
}

/** Everything between a request as text and its answer as text. */
export class Engine {
  private readonly contexts: ContextBuilder;

  constructor(
    private readonly model: MaskedDiffusionModel,
    private readonly tokenizer: Tokenizer,
    private readonly manifest: Manifest,
  ) {
    this.contexts = new ContextBuilder(tokenizer, manifest);
  }

  /**
   * Fills all holes of the request. Holes that share a context are filled jointly; where there are more
   * than one context takes, the first ones become text for the next.
   *
   * Between passes the event loop turns, so that a cancellation can arrive.
   */
  async fill(request: InfillRequest, cancellation: CancellationToken): Promise<InfillOutcome> {
    const problem = findProblem(request, this.manifest.layout.maxCanvas);
    if (problem !== undefined) return { kind: 'failed', reason: problem };
    const started = performance.now();
    const stop = async (): Promise<boolean> => {
      await turn();
      return cancellation.isCancellationRequested;
    };
    const groups: Group[] = [];
    let segments = request.segments;
    let done = 0;
    while (segments.length > 1) {
      const group = await this.fillFirstHoles(request, segments, done, stop);
      if (group === undefined) return { kind: 'cancelled' };
      groups.push(group);
      const best = group.candidates[0]!.fills;
      const text = best.map((fill, i) => (segments[i] ?? '') + fill).join('') + (segments[best.length] ?? '');
      segments = [text, ...segments.slice(best.length + 1)];
      done += best.length;
    }
    return combine(groups, request.candidates, performance.now() - started);
  }

  /** Runs every kind of pass once, so that the first request does not pay for first touches. */
  async warmUp(): Promise<void> {
    const text = 'const total = items.reduce((sum, item) => sum + item.price, 0);\n'.repeat(8);
    await this.fill(
      {
        language: 'typescript',
        segments: [text, `\n${text}`],
        mode: 'diffusion',
        candidates: 1,
        temperature: 0,
        seed: 0,
      },
      neverCancelled,
    );
  }

  private async fillFirstHoles(
    request: InfillRequest,
    segments: readonly string[],
    done: number,
    stop: StopPoll,
  ): Promise<Group | undefined> {
    const started = performance.now();
    const { ids, holes, leads } = this.contexts.build(request.language, segments);
    const encoded = await this.model.encode(ids, stop);
    if (encoded === undefined) return undefined;
    const encodeMs = performance.now() - started;
    const { decoding } = this.manifest;
    const task: InfillTask = {
      context: encoded.cache,
      holes,
      leads: leads.map((lead) => lead.ids),
      maxTokens: request.maxTokens ?? defaultMaxTokens,
      steps: request.steps ?? decoding.steps,
      threshold: request.threshold ?? decoding.threshold,
      hypotheses: decoding.lengths,
      candidates: request.candidates,
      temperature: request.temperature,
      topP: request.topP ?? defaultTopP,
      seed: request.seed,
      ...(request.lengths === undefined ? {} : { lengths: request.lengths.slice(done, done + holes) }),
    };
    const filled = await (request.mode === 'ar' ? autoregress : infill)(this.model, task, stop);
    if (filled === undefined) return undefined;
    return {
      candidates: this.toText(filled, leads, request.candidates),
      steps: filled.steps,
      contextTokens: ids.length,
      reusedTokens: encoded.reused,
      encodeMs,
      denoiseMs: filled.denoiseMs,
      rankMs: filled.rankMs,
    };
  }

  /** Candidates as text, best first, each text once; those that cut a character apart only if all do. */
  private toText(filled: Filled, leads: readonly Lead[], most: number): InfillCandidate[] {
    const decoded = filled.candidates
      .map((candidate) => ({
        ...candidate,
        decoded: candidate.fills.map((fill) => this.tokenizer.decode(fill)),
      }))
      .sort((a, b) => b.score - a.score);
    const whole = decoded.filter((candidate) => candidate.decoded.every((fill) => fill.valid));
    const byText = new Map<string, InfillCandidate>();
    for (const { decoded: texts, score, complete, confidence } of whole.length > 0 ? whole : decoded) {
      const fills = texts.map(({ text }, i) => (leads[i]?.isHealed === true ? text.replace(/^ /, '') : text));
      const key = JSON.stringify(fills);
      if (!byText.has(key)) byText.set(key, { fills, score, complete, confidence });
    }
    return [...byText.values()].slice(0, most);
  }
}

/** One answer out of the answers of consecutive groups: the best go with the best, and so on down. */
function combine(groups: readonly Group[], most: number, totalMs: number): InfillOutcome {
  const count = Math.min(most, Math.max(...groups.map((group) => group.candidates.length)));
  const candidates = Array.from({ length: count }, (_, i): InfillCandidate => {
    const parts = groups.map((group) => group.candidates[Math.min(i, group.candidates.length - 1)]!);
    return {
      fills: parts.flatMap((part) => part.fills),
      score: sum(parts, (part) => part.score),
      complete: parts.every((part) => part.complete),
      confidence: sum(parts, (part) => part.confidence) / parts.length,
    };
  });
  return {
    kind: 'filled',
    candidates,
    steps: sum(groups, (group) => group.steps),
    contextTokens: sum(groups, (group) => group.contextTokens),
    reusedTokens: sum(groups, (group) => group.reusedTokens),
    timings: {
      encodeMs: sum(groups, (group) => group.encodeMs),
      denoiseMs: sum(groups, (group) => group.denoiseMs),
      rankMs: sum(groups, (group) => group.rankMs),
      totalMs,
    },
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
