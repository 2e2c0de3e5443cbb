import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { turn } from '../../server/src/base/async';
import { CPU } from '../../server/src/base/device';
import { autoregress } from '../../server/src/diffusion/autoregress';
import { Canvas, predictingColumn, toBlock } from '../../server/src/diffusion/canvas';
import { infill } from '../../server/src/diffusion/infill';
import type { KvCache, StopPoll } from '../../server/src/diffusion/model';
import type { Filled, InfillTask } from '../../server/src/diffusion/task';
import type { Manifest } from '../../server/src/runtime/manifest';
import { openModelFolder } from '../../server/src/runtime/modelFolder';
import { OnnxModel } from '../../server/src/runtime/onnxModel';
import type { Cases, FillCase } from './cases';
import { Endless } from './endless';

/** No token is this sure: nothing is decided early, so that a fill takes exactly the passes it is given. */
const neverSure = 2;
/** How candidates are drawn; one alone is the likeliest. */
const drawn = { temperature: 0.8, topP: 0.95 };
/** How many tokens contexts may begin with in common and still count as read cold: the markers and a bit. */
const coldTokens = 16;

/** The engine that ships, in this process, made to do work of an exact size. All times in milliseconds. */
export class Subject {
  private next = 0;

  private constructor(
    readonly manifest: Manifest,
    private readonly model: OnnxModel,
    /** Tokens of real code, of which contexts are cut. */
    private readonly code: Int32Array,
  ) {}

  static async load(modelPath: string, threads: number, repository: string): Promise<Subject> {
    const folder = await openModelFolder(modelPath);
    const code = folder.tokenizer.encode(await sources(join(repository, 'server/src/completion')));
    return new Subject(folder.manifest, await OnnxModel.load(folder, CPU, threads), code);
  }

  /** Reads a context of which no cache knows anything. */
  async encode(tokens: number): Promise<number> {
    // Prime, and so never twice the same beginning.
    this.next += 1009;
    const ids = this.context(tokens, this.next);
    const started = performance.now();
    const encoded = await this.model.encode(ids, goOn);
    const ms = performance.now() - started;
    const reused = encoded?.reused ?? tokens;
    if (reused > coldTokens)
      throw new Error(`Expected to read ${tokens} tokens cold, but ${reused} were known`);
    return ms;
  }

  /** Reads what is new at the end of a context that is known. */
  async append({ tokens, context }: Cases['append']): Promise<number> {
    const ids = this.context(context + tokens);
    await this.model.encode(ids.subarray(0, context), goOn);
    const started = performance.now();
    const encoded = await this.model.encode(ids, goOn);
    const ms = performance.now() - started;
    if (encoded?.reused !== context) {
      throw new Error(`Expected ${context} tokens to be known, but ${encoded?.reused ?? 0} were`);
    }
    return ms;
  }

  /**
   * One denoising step: a pass over a canvas of masks and the choice of a token for each. Behind it the result is
   * scored, which does not count.
   */
  async step(size: FillCase): Promise<number> {
    const polls: number[] = [];
    const stop: StopPoll = async () => {
      await turn();
      polls.push(performance.now());
      return false;
    };
    await this.run(infill, size, 1, stop);
    const [before, after] = polls;
    if (before === undefined || after === undefined)
      throw new Error('Expected a fill of one step to be asked to stop before it and before the scoring');
    return after - before;
  }

  /** The pass of such a step alone: what the runtime takes of it. */
  async pass({ hole, context }: FillCase): Promise<number> {
    const cache = await this.known(context);
    const { layout } = this.model;
    const canvas = new Canvas(layout, context, [{ length: hole, end: true }]);
    const wanted = canvas.maskedColumns().map(predictingColumn);
    const started = performance.now();
    await this.model.denoise(cache, toBlock([{ canvas, wanted }], 'both', layout.pad));
    return performance.now() - started;
  }

  /** A whole fill, from a context that is read to scored candidates. */
  async diffuse(size: FillCase, steps: number): Promise<number> {
    const { filled, ms } = await this.run(infill, size, steps, goOn);
    if (filled.steps !== steps) throw new Error(`Expected ${steps} denoising passes, got ${filled.steps}`);
    return ms;
  }

  /**
   * The same as an editor asks for it: the lengths are to be found, of which the likeliest are tried, also for one
   * candidate.
   */
  async ask(size: FillCase, steps: number): Promise<number> {
    const { lengths: hypotheses } = this.manifest.decoding;
    const task = { ...(await this.task(size, steps)), hypotheses, temperature: 0 };
    const { ms } = await this.timed(() => infill(this.model, withoutLengths(task), goOn));
    return ms;
  }

  /** The same by the AR twin: the same weights in the same runtime, token by token. */
  async autoregress(size: FillCase): Promise<number> {
    return (await this.run(autoregress, size, 1, goOn)).ms;
  }

  release(): Promise<void> {
    return this.model.release();
  }

  private async run(
    fill: typeof infill | typeof autoregress,
    size: FillCase,
    steps: number,
    stop: StopPoll,
  ): Promise<{ filled: Filled; ms: number }> {
    const { holes, hole, candidates } = size;
    const model = fill === autoregress ? new Endless(this.model) : this.model;
    const task = await this.task(size, steps);
    const measured = await this.timed(() => fill(model, task, stop));
    const sizes = measured.filled.candidates.map(({ fills }) => fills.map((tokens) => tokens.length));
    const isExact = sizes.length === candidates && sizes.flat().every((length) => length === hole);
    if (!isExact || sizes.some((lengths) => lengths.length !== holes)) {
      throw new Error(
        `Expected ${candidates} × ${holes} fills of ${hole} tokens, got ${JSON.stringify(sizes)}: nothing to compare`,
      );
    }
    return measured;
  }

  private async task({ holes, hole, context, candidates }: FillCase, steps: number): Promise<InfillTask> {
    return {
      context: await this.known(context),
      holes,
      maxTokens: new Array<number>(holes).fill(hole),
      lengths: new Array<number>(holes).fill(hole),
      steps,
      threshold: neverSure,
      hypotheses: 1,
      candidates,
      seed: 0,
      ...(candidates > 1 ? drawn : { temperature: 0, topP: 1 }),
    };
  }

  private async timed(fill: () => Promise<Filled | undefined>): Promise<{ filled: Filled; ms: number }> {
    const started = performance.now();
    const filled = await fill();
    const ms = performance.now() - started;
    if (filled === undefined) throw new Error('Expected a fill that nobody stops to come to its end');
    return { filled, ms };
  }

  private async known(tokens: number): Promise<KvCache> {
    const encoded = await this.model.encode(this.context(tokens), goOn);
    if (encoded === undefined) throw new Error('Expected a context that nobody stops to be read');
    return encoded.cache;
  }

  /** A context as the engine builds them. @param from where in the code it begins. */
  private context(tokens: number, from = 0): Int32Array {
    const { language, suffix, prefix, hole } = this.manifest.contextTokens;
    const markers = [language.get('typescript') ?? language.get('other') ?? 0, suffix, prefix];
    const end = hole.slice(0, 1);
    const code = Array.from(
      { length: tokens - markers.length - end.length },
      (_, i) => this.code[(from + i) % this.code.length] ?? 0,
    );
    return Int32Array.from([...markers, ...code, ...end]);
  }
}

function withoutLengths({ lengths: _, ...task }: InfillTask): InfillTask {
  return task;
}

/** Lets messages through between passes, as the inference process does. */
const goOn: StopPoll = async () => {
  await turn();
  return false;
};

/** The text of all TypeScript files of a folder. */
async function sources(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort();
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
}
