import { errorMessage } from '../base/async';
import { CPU, type Device, type Precision } from '../base/device';
import type { MaskedDiffusionModel } from '../diffusion/model';
import { openModelFolder } from '../runtime/modelFolder';
import { OnnxModel } from '../runtime/onnxModel';
import { chooseThreads } from '../runtime/threads';
import { canvasBlock, encode, everyPass, type GoldenLogits, largestDifference } from './goldenPasses';
import type { ProbeFinding, StepSpeed, WorkerOptions } from './messages';

/**
 * How far log-probabilities of likely tokens may be from those of the same weights in float32 on the CPU. Activations
 * in int8, as the CPU has them, are further away than any of these.
 */
const tolerance: Readonly<Record<Precision, number>> = { int8: 0.5, float32: 0.02, float16: 0.25 };

/** The sizes of a step: one that every device does in no time, and the one that decides. */
const small = { context: 16, tokens: 8, repeats: 2 };
const large = { context: 384, tokens: 64, repeats: 5 };
/** A device that takes so many times as long for the small step is not tried with the large one. */
const hopeless = 20;

const text = 'export function area(width: number, height: number): number {\n  return width * height;\n}\n';

/**
 * Whether the device says what the CPU says about this model, in every kind of pass, and how fast it is. Never
 * throws; but a device may also end the process or never come back, so this runs in a process of its own.
 */
export async function probe(options: WorkerOptions, device: Device): Promise<ProbeFinding> {
  try {
    const folder = await openModelFolder(options.modelPath);
    const threads = options.threads ?? chooseThreads();
    const sample = folder.tokenizer.encode(text);
    const ids = Int32Array.from({ length: large.context }, (_, i) => sample[i % sample.length]!);
    // The device first: where there is none it ends here, before the others were loaded.
    const candidate = await OnnxModel.load(folder, device, threads);
    const passes = await everyPass(candidate, ids);
    const reference = await OnnxModel.load(folder, { provider: 'cpu', precision: 'float32' }, threads);
    const check = (expected: GoldenLogits, found: GoldenLogits): number => {
      const difference = largestDifference(expected, found, folder.manifest.layout.vocabSize);
      const most = tolerance[device.precision];
      if (difference <= most) return difference;
      throw new Error(
        `expected the log-probabilities that the CPU gives, at most ${most} off, but found one ${difference.toFixed(3)} off`,
      );
    };
    let difference = check(await everyPass(reference, ids), passes);
    const cpu = await OnnxModel.load(folder, CPU, threads);
    let [speed] = await race(candidate, cpu, ids, small);
    if (speed.deviceMs <= hopeless * speed.cpuMs) {
      const [, found] = ([speed] = await race(candidate, cpu, ids, large));
      const { logits: expected } = await measure(reference, ids, { ...large, repeats: 1 });
      difference = Math.max(difference, check(expected, found));
    }
    return { kind: 'works', difference, speed };
  } catch (error) {
    return { kind: 'failed', reason: errorMessage(error) };
  }
}

interface Size {
  readonly context: number;
  readonly tokens: number;
  readonly repeats: number;
}

/** What the same step takes both, and what the first of them says. */
async function race(
  device: MaskedDiffusionModel,
  cpu: MaskedDiffusionModel,
  ids: Int32Array,
  size: Size,
): Promise<[speed: StepSpeed, logits: GoldenLogits]> {
  const { ms: cpuMs } = await measure(cpu, ids, size);
  const { ms: deviceMs, logits } = await measure(device, ids, size);
  return [{ tokens: size.tokens, context: size.context, deviceMs, cpuMs }, logits];
}

/** The fastest of a few steps after one that warms up: what disturbs a measurement only ever makes it slower. */
async function measure(
  model: MaskedDiffusionModel,
  ids: Int32Array,
  { context, tokens, repeats }: Size,
): Promise<{ readonly ms: number; readonly logits: GoldenLogits }> {
  const cache = await encode(model, ids.subarray(0, context));
  const block = canvasBlock(model, context, 1, Math.min(tokens, model.layout.maxCanvas + 2));
  const logits = [(await model.denoise(cache, block)).slice()];
  let ms = Infinity;
  for (let i = 0; i < repeats; i++) {
    const started = performance.now();
    await model.denoise(cache, block);
    ms = Math.min(ms, performance.now() - started);
  }
  return { ms, logits };
}
