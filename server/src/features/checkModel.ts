import { resolve } from 'node:path';
import type { Connection, ServerCapabilities } from 'vscode-languageserver';
import { errorMessage } from '../base/async';
import type { Disposable } from '../base/lifecycle';
import type { ModelInfo } from '../inference/messages';
import { CHECK_MODEL, type CheckModelResult } from '../protocol';
import type { Feature } from './feature';
import { record } from './parameters';

/** `parafill/checkModel`: whether a folder holds a usable model, found out by loading it beside the one in use. */
export class CheckModel implements Feature {
  readonly capabilities: ServerCapabilities = {};

  /** @param load loads the model of a folder and lets go of it; rejects with what is wrong */
  constructor(private readonly load: (path: string) => Promise<ModelInfo>) {}

  register(connection: Connection): Disposable {
    return connection.onRequest(CHECK_MODEL, (params: unknown) => this.answer(params));
  }

  private async answer(params: unknown): Promise<CheckModelResult> {
    const { path } = record(params);
    if (typeof path !== 'string' || path === '') {
      return { kind: 'failed', reason: `path: expected the path of a folder, got ${JSON.stringify(path)}.` };
    }
    try {
      const { name, version, provider } = await this.load(resolve(path));
      return { kind: 'usable', name, version, provider };
    } catch (error) {
      return { kind: 'failed', reason: errorMessage(error) };
    }
  }
}
