import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../server/src/base/async';
import { ModelError } from '../../server/src/runtime/modelError';
import { inTurns } from '../inTurns';
import { describeMachine } from '../machine';
import type { Summary } from '../statistics';
import { type Cases, type FillCase, planCases } from './cases';
import type { LlamaCpp } from './llamaCpp';
import { measureRates } from './rates';
import {
  type BenchReport,
  type CandidatesReport,
  compareFills,
  type FillReport,
  type StepReport,
} from './report';
import { limitMs, type Rates, type Shape, shapeOf, workOf } from './roofline';
import { Subject } from './subject';
import { measureWorker } from './worker';

export interface BenchOptions {
  readonly modelPath: string;
  readonly workerPath: string;
  /** Where the sources are that contexts are cut from. */
  readonly repository: string;
  readonly threads: number;
  /** How often each thing is measured. */
  readonly rounds: number;
  readonly quick: boolean;
  readonly llamaCpp?: LlamaCpp;
  /** Told what is measured next. */
  readonly progress: (line: string) => void;
}

/** Measures everything, one thing after the other, what is compared in turns. */
export async function measureEngine(options: BenchOptions): Promise<BenchReport> {
  const { modelPath, threads, rounds, quick, progress } = options;
  const machine = describeMachine();
  const subject = await Subject.load(modelPath, threads, options.repository);
  try {
    const cases = planCases(subject.manifest, quick);
    const run = new Run(options, subject, cases);
    progress('rates of this machine');
    const shape = await readShape(join(modelPath, 'manifest.json'));
    const rates = await measureRates(shape, threads);
    progress('inference process: start and memory');
    const worker = await measureWorker(options, rounds, cases.candidates.at(-1)?.candidates ?? 1);
    const { name, version } = subject.manifest;
    return {
      machine: {
        ...machine,
        threads,
        model: `${name} ${version}`,
        rates: {
          int8GigaOperationsPerSecond: rates.int8PerMs / 1e6,
          floatGigaOperationsPerSecond: rates.floatPerMs / 1e6,
          gigabytesPerSecond: rates.bytesPerMs / 1e6,
        },
      },
      encode: await run.encode(),
      append: await run.append(),
      steps: await run.steps(shape, rates),
      fills: await run.fills(),
      joint: await run.joint(),
      candidates: await run.candidates(),
      memoryMb: worker.memoryMb,
      idleCpuPercent: worker.idleCpuPercent,
      readyMs: worker.readyMs.median,
      readyMsSpread: worker.readyMs.spread,
      leftOut: cases.leftOut,
    };
  } finally {
    await subject.release();
  }
}

/** @throws {ModelError} */
async function readShape(path: string): Promise<Shape> {
  const manifest: unknown = JSON.parse(await readFile(path, 'utf8'));
  try {
    return shapeOf(manifest);
  } catch (error) {
    throw new ModelError(path, `${errorMessage(error)}. Export the model again.`, { cause: error });
  }
}

/** The parts of one run. */
class Run {
  constructor(
    private readonly options: BenchOptions,
    private readonly subject: Subject,
    private readonly cases: Cases,
  ) {}

  async encode(): Promise<BenchReport['encode']> {
    this.options.progress('cold contexts');
    const sizes = this.cases.encode;
    const times = await this.inTurns(sizes, (tokens) => this.subject.encode(tokens));
    return sizes.map((tokens) => ({ tokens, ...milliseconds(times(tokens)) }));
  }

  async append(): Promise<BenchReport['append']> {
    const { append } = this.cases;
    const times = await this.inTurns([append], (size) => this.subject.append(size));
    return { ...append, ...milliseconds(times(append)) };
  }

  async steps(shape: Shape, rates: Rates): Promise<StepReport[]> {
    this.options.progress('denoising steps');
    const sizes = this.cases.fills;
    const measurements = sizes.map((size) => ({
      size,
      step: () => this.subject.step(size),
      pass: () => this.subject.pass(size),
    }));
    const all = measurements.flatMap(({ step, pass }) => [step, pass]);
    const times = await this.inTurns(all, (measure) => measure());
    return measurements.map(({ size, step, pass }) => {
      const { hole, context } = size;
      // `<fill>`, the tokens, `<eoh>`.
      const work = workOf(shape, { tokens: hole + 2, wanted: hole, context });
      const limit = limitMs(work, rates);
      const taken = times(step);
      return {
        hole,
        context,
        ...milliseconds(taken),
        passMs: times(pass).median,
        ...work,
        limitMs: limit,
        ofLimit: limit / taken.median,
      };
    });
  }

  async fills(): Promise<BenchReport['fills']> {
    const reports: ComparedFill[] = [];
    for (const size of this.cases.fills) {
      this.options.progress(`fills of ${size.hole} tokens behind ${size.context}`);
      reports.push(...(await this.compare(size, this.cases.steps)));
    }
    return reports;
  }

  async joint(): Promise<BenchReport['joint']> {
    const { joint, fewSteps } = this.cases;
    this.options.progress(`${joint.holes} holes jointly`);
    const [report] = await this.compare(joint, [fewSteps]);
    if (report === undefined) throw new Error('Expected one comparison for one number of steps');
    return { holes: joint.holes, ...report };
  }

  async candidates(): Promise<CandidatesReport[]> {
    this.options.progress('candidates');
    const { candidates: sizes, fewSteps: steps } = this.cases;
    const measurements = sizes.map((size) => ({
      size,
      draw: () => this.subject.diffuse(size, steps),
      ask: () => this.subject.ask(size, steps),
    }));
    const all = measurements.flatMap(({ draw, ask }) => [draw, ask]);
    const times = await this.inTurns(all, (measure) => measure());
    const [{ draw: drawOne, ask: askOne }] = measurements as [(typeof measurements)[0]];
    return measurements.map(({ size, draw, ask }) => {
      const { candidates: count, hole, context } = size;
      const [drawn, asked] = [times(draw), times(ask)];
      return {
        count,
        hole,
        context,
        steps,
        ...milliseconds(drawn),
        ofOne: drawn.median / times(drawOne).median,
        askedMs: asked.median,
        askedMsSpread: asked.spread,
        askedOfOne: asked.median / times(askOne).median,
      };
    });
  }

  /** Fills of one size in parallel, with several numbers of steps, against their rivals. */
  private async compare(size: FillCase, stepCounts: readonly number[]): Promise<ComparedFill[]> {
    const { subject } = this;
    const { llamaCpp } = this.options;
    const ar = () => subject.autoregress(size);
    // Several holes are so many tokens more to it: nothing is read between them, which favours it a little.
    const other = llamaCpp && (() => llamaCpp.generate(size.holes * size.hole, size.context));
    const diffusions = stepCounts.map((steps) => ({ steps, fill: () => subject.diffuse(size, steps) }));
    const rivals = other === undefined ? [ar] : [ar, other];
    const times = await this.inTurns([...rivals, ...diffusions.map(({ fill }) => fill)], (fill) => fill());
    return diffusions.map(({ steps, fill }) => ({
      steps,
      ...compareFills(size, times(fill), times(ar), other === undefined ? null : times(other)),
    }));
  }

  private inTurns<T>(
    things: readonly T[],
    measure: (thing: T) => Promise<number>,
  ): Promise<(thing: T) => Summary> {
    return inTurns(things, measure, this.options.rounds);
  }
}

type ComparedFill = FillReport & { readonly steps: number };

function milliseconds({ median, spread }: Summary): { readonly ms: number; readonly msSpread: number } {
  return { ms: median, msSpread: spread };
}
