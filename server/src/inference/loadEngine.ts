import { CPU, deviceName } from '../base/device';
import { OnnxModel } from '../runtime/onnxModel';
import { ngramsOf, openModelFolder } from '../runtime/modelFolder';
import { chooseThreads } from '../runtime/threads';
import { Engine } from './engine';
import type { ModelInfo, WorkerOptions } from './messages';

/** An engine that is warm, and what is to be said about it. */
export interface LoadedEngine {
  readonly engine: Engine;
  readonly info: ModelInfo;
}

/** @throws {ModelError} when the model folder, its files or its graph are not what they should be. */
export async function loadEngine(options: WorkerOptions): Promise<LoadedEngine> {
  const started = performance.now();
  const folder = await openModelFolder(options.modelPath);
  const threads = options.threads ?? chooseThreads();
  const device = options.device ?? CPU;
  const model = await OnnxModel.load(folder, device, threads);
  const engine = new Engine(model, folder.tokenizer, folder.manifest, { ngrams: await ngramsOf(folder) });
  const loaded = performance.now();
  await engine.warmUp();
  const { name, version, contextLength, fileShare, recall } = folder.manifest;
  return {
    engine,
    info: {
      name,
      version,
      provider: deviceName(device),
      threads,
      loadMs: loaded - started,
      warmupMs: performance.now() - loaded,
      contextLength,
      fileShare,
      recalls: recall !== undefined,
    },
  };
}
