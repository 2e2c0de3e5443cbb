import { join } from 'node:path';
import { errorMessage } from '../base/async';
import { neverCancelled } from '../base/cancellation';
import { CPU, type Device, deviceName } from '../base/device';
import type { Disposable } from '../base/lifecycle';
import { type Choice, chooserFor } from '../completion/holeChoice';
import type { Infiller } from '../completion/infiller';
import { infillOneByOne } from '../completion/oneByOne';
import { withLineEnding } from '../completion/outcome';
import { bestOf } from '../completion/rank';
import { SyntaxChecker } from '../completion/syntaxCheck';
import { InferenceClient } from '../inference/inferenceClient';
import type { InfillOutcome, InfillRequest, ModelInfo } from '../inference/messages';
import { DeviceChooser } from '../providers/deviceChooser';
import { cacheFolder } from '../providers/machine';
import type { CommonOptions } from './arguments';

const workerPath = join(__dirname, 'worker.js');

export type RankedOutcome =
  | (Omit<Extract<InfillOutcome, { kind: 'filled' }>, 'candidates'> & {
      readonly candidates: readonly Choice[];
    })
  | { readonly kind: 'failed'; readonly reason: string };

/** The same engine and the same ranking as in the editor, for a command that runs to its end. */
export class TerminalEngine implements Disposable, Infiller {
  private device = CPU;
  private client: InferenceClient;
  private readonly devices: DeviceChooser;
  private readonly syntax = new SyntaxChecker(join(__dirname, 'grammars'));

  constructor(private readonly options: CommonOptions) {
    this.devices = new DeviceChooser({ workerPath, cacheFolder: cacheFolder(), log: this.log });
    this.client = this.create();
  }

  /**
   * Finds the device and loads the model there, or on the CPU when that fails.
   *
   * @throws when the model cannot be used, saying which file is wrong.
   */
  async ready(): Promise<ModelInfo> {
    const { modelPath, provider, threads = 0 } = this.options;
    const { device, complaint } = await this.devices.choose(
      modelPath,
      provider,
      threads,
      new AbortController().signal,
    );
    if (complaint !== undefined) say(complaint);
    try {
      return await this.load(device);
    } catch (error) {
      if (device.provider === 'cpu') throw error;
      return this.goBack(errorMessage(error));
    }
  }

  /**
   * Fills and ranks. Line ends are LF inside the engine: where the segments have CRLF, so have the fills.
   */
  async fill(request: InfillRequest): Promise<RankedOutcome> {
    const hasCrlf = request.segments.some((segment) => segment.includes('\r\n'));
    const segments = request.segments.map((segment) => segment.replaceAll('\r\n', '\n'));
    const place = { language: request.language, writesOn: false };
    const choose = chooserFor(this.syntax, place);
    const outcome = await infillOneByOne(this, { ...request, segments }, choose, neverCancelled);
    if (outcome.kind === 'cancelled') return { kind: 'failed', reason: 'the request was cancelled' };
    if (outcome.kind === 'failed') return outcome;
    // As the model said them: whoever measures it wants to see what it says too much.
    const best = await bestOf(
      this.syntax,
      { ...place, segments },
      outcome.candidates,
      ({ fills }) => fills,
      request.candidates,
    );
    return {
      ...outcome,
      candidates: best.map((candidate) => withLineEnding(candidate, hasCrlf ? '\r\n' : '\n')),
    };
  }

  dispose(): void {
    this.client.dispose();
    this.syntax.dispose();
  }

  /** A request that a device failed at is asked again on the CPU. */
  async infill(request: InfillRequest): Promise<InfillOutcome> {
    const outcome = await this.client.infill(request, neverCancelled);
    const { state } = this.client;
    if (outcome.kind !== 'failed' || state.kind !== 'error' || this.device.provider === 'cpu') return outcome;
    await this.goBack(state.reason);
    return this.client.infill(request, neverCancelled);
  }

  private load(device: Device): Promise<ModelInfo> {
    this.client.dispose();
    this.device = device;
    this.client = this.create();
    return this.client.ready();
  }

  private create(): InferenceClient {
    const { modelPath, threads } = this.options;
    const { device, log } = this;
    return new InferenceClient({
      workerPath,
      modelPath,
      device,
      ...(threads === undefined ? {} : { threads }),
      log,
    });
  }

  /** To the CPU, which is the last resort. */
  private async goBack(reason: string): Promise<ModelInfo> {
    say(`${deviceName(this.device)} failed, so the CPU is used. ${reason}`);
    await this.devices.blame(this.options.modelPath, this.device, reason);
    return this.load(CPU);
  }

  private readonly log = (line: string): void => {
    if (this.options.verbose) process.stderr.write(`${line}\n`);
  };
}

function say(message: string): void {
  process.stderr.write(`parafill: ${message}\n`);
}
