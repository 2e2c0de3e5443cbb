import { turn } from '../base/async';
import type { CancellationToken } from '../base/cancellation';
import { neverCancelled } from '../base/cancellation';
import { sumOf } from '../base/sum';
import { autoregress } from '../diffusion/autoregress';
import { fillBlocks, isForBlocks } from '../diffusion/blocks';
import { readBothWays } from '../diffusion/bothReadings';
import { infill } from '../diffusion/infill';
import type { MaskedDiffusionModel, StopPoll } from '../diffusion/model';
import type { Ngrams } from '../diffusion/ngrams';
import { type Filled, type InfillTask, meanConfidence, type ProgressReport } from '../diffusion/task';
import { draftAndVerify } from '../diffusion/verify';
import type { Manifest } from '../runtime/manifest';
import type { Tokenizer } from '../tokenizer/tokenizer';
import { ContextBuilder } from './contextBuilder';
import { fillText, unfinishedText } from './fillText';
import { findProblem } from './infillRequest';
import type { Lead } from './lead';
import { likeliestLead } from './likeliestLead';
import { Memories } from './memories';
import {
  asOne,
  DEFAULT_MAX_TOKENS,
  type InfillCandidate,
  type InfillOutcome,
  type InfillProgress,
  type InfillRequest,
  LONGEST_FILL,
} from './messages';
import { PassSpeed, TimedModel } from './passSpeed';
import { limitReports } from './progress';

const defaultTopP = 0.95;
/** Where nobody waits at every keystroke: fewer fills that are all broken, and more right ones among them (models/LOG.md). */
const defaultTurnings = 6;

/** Other files that are new take so many milliseconds of a request whose time is limited. */
const fileReadingMs = 20;
/** Natural-log likelihood: what is further below the likeliest candidate than this is hardly ever worth showing. */
const spareNats = 10;

/** One context's holes, filled. */
interface Group {
  readonly candidates: readonly InfillCandidate[];
  readonly steps: number;
  readonly contextTokens: number;
  readonly chunks: number;
  readonly reusedTokens: number;
  readonly encodeMs: number;
  readonly denoiseMs: number;
  readonly rankMs: number;
}

/** Is told after each pass how to get the texts of the holes that are being filled. */
type Show = (fills: () => readonly string[]) => void;

export interface EngineOptions {
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  /** What usually follows in the training corpus, where the model comes with it. */
  readonly ngrams?: Ngrams | undefined;
}

/** Everything between a request as text and its answer as text. */
export class Engine {
  private readonly contexts: ContextBuilder;
  private readonly memories: Memories;
  private readonly model: MaskedDiffusionModel;
  private readonly speed = new PassSpeed();
  private readonly now: () => number;

  constructor(
    model: MaskedDiffusionModel,
    private readonly tokenizer: Tokenizer,
    private readonly manifest: Manifest,
    { now = () => performance.now(), ngrams }: EngineOptions = {},
  ) {
    this.now = now;
    this.model = new TimedModel(model, this.speed, now);
    this.contexts = new ContextBuilder(tokenizer, manifest);
    this.memories = new Memories(tokenizer, manifest, now, ngrams);
  }

  /**
   * Fills all holes of the request. Holes that share a context are filled jointly; where there are more
   * than one context takes, the first ones become text for the next.
   *
   * Between passes the event loop turns, so that a cancellation can arrive.
   *
   * @param onProgress is called after passes, at most ten times a second.
   */
  async fill(
    request: InfillRequest,
    cancellation: CancellationToken,
    onProgress?: (progress: InfillProgress) => void,
  ): Promise<InfillOutcome> {
    const problem = findProblem(request, this.manifest.layout.maxCanvas);
    if (problem !== undefined) return { kind: 'failed', reason: problem };
    const started = this.now();
    const deadline = started + (request.budgetMs ?? Infinity);
    const stop = async (): Promise<boolean> => {
      await turn();
      return cancellation.isCancellationRequested;
    };
    const report = onProgress && limitReports(onProgress, this.now);
    const groups: Group[] = [];
    let segments = request.segments;
    let done = 0;
    while (segments.length > 1) {
      const finished = groups.flatMap(({ candidates }) => candidates[0]!.fills);
      const show: Show = (fills) =>
        report?.(() => {
          const known = [...finished, ...fills()];
          return { fills: request.segments.slice(1).map((_, hole) => known[hole] ?? '') };
        });
      const group = await this.fillFirstHoles(request, segments, done, deadline, stop, show);
      if (group === undefined) return { kind: 'cancelled' };
      groups.push(group);
      const best = group.candidates[0]!.fills;
      const text = best.map((fill, i) => (segments[i] ?? '') + fill).join('') + (segments[best.length] ?? '');
      segments = [text, ...segments.slice(best.length + 1)];
      done += best.length;
    }
    return combine(groups, request, this.now() - started);
  }

  /**
   * Runs every kind of pass once, so that the first request does not pay for first touches. As small as that can be:
   * whoever starts an editor waits for it (bench/README.md).
   */
  async warmUp(): Promise<void> {
    const text = 'const total = items.reduce((sum, item) => sum + item.price, 0);\n'.repeat(2);
    await this.fill(
      {
        language: 'typescript',
        segments: [text, `\n${text}`],
        mode: 'both',
        maxTokens: 8,
        steps: 2,
        turnings: 0,
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
    deadline: number,
    stop: StopPoll,
    show: Show,
  ): Promise<Group | undefined> {
    const started = this.now();
    const { ids, holes, chunks, ...built } = this.contexts.build(request.language, segments, request.chunks);
    const encoded = await this.model.encode(ids, stop);
    if (encoded === undefined) return undefined;
    // Several holes are read one by one afterwards.
    const leads =
      holes === 1
        ? [await this.soundly(likeliestLead(this.model, encoded.cache, built.leads[0]!))]
        : built.leads;
    const encodeMs = this.now() - started;
    const { decoding } = this.manifest;
    // What somebody waits for is not kept waiting by files that were never read before: the next request has them.
    const readingUntil = request.budgetMs === undefined ? Infinity : this.now() + fileReadingMs;
    const memories = this.memories.of(segments, leads, request.files ?? [], readingUntil);
    const task: InfillTask = {
      context: encoded.cache,
      holes,
      leads: leads.map((lead) => lead.ids),
      openings: leads.map((lead) => lead.first),
      ...(memories === undefined ? {} : { memories }),
      maxTokens: perHole(request.maxTokens ?? DEFAULT_MAX_TOKENS, done, holes).map((most) =>
        Math.min(most, LONGEST_FILL),
      ),
      steps: request.steps ?? decoding.steps,
      affordable: (tokens) => this.stepsBefore(deadline, tokens),
      threshold: request.threshold ?? decoding.threshold,
      hypotheses: decoding.lengths,
      turnings: request.turnings ?? defaultTurnings,
      candidates: request.candidates,
      temperature: request.temperature,
      topP: request.topP ?? defaultTopP,
      seed: request.seed,
      ...(request.least === undefined ? {} : { least: request.least }),
      ...(request.lengths === undefined ? {} : { lengths: request.lengths.slice(done, done + holes) }),
    };
    const report: ProgressReport = (fills) => {
      const { mask } = this.manifest.layout;
      show(() => fills.map((ids, i) => unfinishedText(this.tokenizer, ids, mask, leads[i])));
    };
    const decode = this.decoderFor(request, task);
    const filled = await this.soundly(decode(this.model, task, stop, report));
    if (filled === undefined) return undefined;
    return {
      candidates: this.toText(filled, leads),
      steps: filled.steps,
      contextTokens: ids.length,
      chunks,
      reusedTokens: encoded.reused,
      encodeMs,
      denoiseMs: filled.denoiseMs,
      rankMs: filled.rankMs,
    };
  }

  /** Where it fails, what was read may be what is wrong; kept, it would spoil every request after this one. */
  private async soundly<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.model.forget();
      throw error;
    }
  }

  private decoderFor({ mode }: InfillRequest, task: InfillTask): typeof infill {
    if (mode === 'ar') return autoregress;
    if (mode === 'verify') return draftAndVerify;
    if (isForBlocks(task, this.manifest.layout)) return fillBlocks;
    return mode === 'both' ? readBothWays : infill;
  }

  /** How many steps of so many tokens there is time for, the one that was taken already included. */
  private stepsBefore(deadline: number, tokens: number): number {
    const ms = this.speed.msFor(tokens);
    if (ms === undefined || ms <= 0) return Infinity;
    // One pass is taken already, but ranking takes one, too.
    return Math.floor((deadline - this.now()) / ms);
  }

  /**
   * Candidates as text, best first, each text once; those that cut a character apart or say nothing but what stands
   * before the hole only if all do.
   */
  private toText(filled: Filled, leads: readonly Lead[]): InfillCandidate[] {
    const decoded = filled.candidates
      .map((candidate) => ({
        candidate,
        texts: candidate.fills.map((ids, i) =>
          fillText(this.tokenizer, ids, candidate.confidences[i]!, candidate.logProbabilities[i]!, leads[i]),
        ),
      }))
      .sort((a, b) => b.candidate.score - a.candidate.score);
    const whole = decoded.filter(({ texts }) => texts.every(({ text, valid }) => valid && text !== ''));
    const byText = new Map<string, InfillCandidate>();
    for (const { texts, candidate } of whole.length > 0 ? whole : decoded) {
      const fills = texts.map(({ text }) => text);
      const key = JSON.stringify(fills);
      const said = byText.get(key);
      if (said !== undefined) {
        byText.set(key, { ...said, draws: said.draws + 1 });
        continue;
      }
      byText.set(key, {
        fills,
        uncertain: texts.map(({ uncertain }) => uncertain),
        beginnings: texts.map(({ beginnings }) => beginnings),
        score: candidate.score,
        complete: candidate.complete,
        confidence: meanConfidence(candidate),
        draws: 1,
      });
    }
    return [...byText.values()];
  }
}

/**
 * The candidates that were asked for, and at temperature 0 what else was tried and is not much less likely: it cost
 * nothing more, and whoever judges candidates may find that those do not parse.
 */
function withSpare(
  candidates: readonly InfillCandidate[],
  { temperature, candidates: most }: InfillRequest,
): InfillCandidate[] {
  const least = temperature === 0 ? (candidates[0]?.score ?? 0) - spareNats : Infinity;
  return candidates.filter(({ score }, i) => i < most || score >= least);
}

/** The numbers of `holes` holes from the one with index `first` on. */
function perHole(values: number | readonly number[], first: number, holes: number): readonly number[] {
  return typeof values === 'number'
    ? new Array<number>(holes).fill(values)
    : values.slice(first, first + holes);
}

/** One answer out of the answers of consecutive groups: the best go with the best, and so on down. */
function combine(groups: readonly Group[], request: InfillRequest, totalMs: number): InfillOutcome {
  const count = Math.max(...groups.map((group) => group.candidates.length));
  const candidates = Array.from({ length: count }, (_, i) =>
    asOne(groups.map((group) => group.candidates[Math.min(i, group.candidates.length - 1)]!)),
  );
  return {
    kind: 'filled',
    // What one group has to spare was not written for the second best of another.
    candidates:
      groups.length === 1 ? withSpare(candidates, request) : candidates.slice(0, request.candidates),
    steps: sumOf(groups, (group) => group.steps),
    contextTokens: sumOf(groups, (group) => group.contextTokens),
    chunks: Math.max(...groups.map((group) => group.chunks)),
    reusedTokens: sumOf(groups, (group) => group.reusedTokens),
    timings: {
      encodeMs: sumOf(groups, (group) => group.encodeMs),
      denoiseMs: sumOf(groups, (group) => group.denoiseMs),
      rankMs: sumOf(groups, (group) => group.rankMs),
      totalMs,
    },
  };
}
