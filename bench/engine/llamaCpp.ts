import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface LlamaCppOptions {
  /** The program `llama-bench` of llama.cpp, of 2025 or later: earlier ones know no `--n-depth`. */
  readonly bench: string;
  readonly gguf: string;
  readonly threads: number;
}

/** llama.cpp as a rival, through its own benchmark, on the processor. */
export class LlamaCpp {
  constructor(private readonly options: LlamaCppOptions) {}

  /** Milliseconds to write so many tokens behind a context that is read already. */
  async generate(tokens: number, context: number): Promise<number> {
    const { bench, gguf, threads } = this.options;
    const counts = { '--n-prompt': 0, '--n-gen': tokens, '--n-depth': context };
    const settings = { ...counts, '--threads': threads, '--n-gpu-layers': 0, '--repetitions': 1 };
    const args = ['--model', gguf, '--output', 'json', ...Object.entries(settings).flat().map(String)];
    const { stdout } = await promisify(execFile)(bench, args);
    return generationMs(JSON.parse(stdout), tokens, context);
  }
}

/** @param output what `llama-bench --output json` prints: one object a test. */
export function generationMs(output: unknown, tokens: number, context: number): number {
  const tests = (Array.isArray(output) ? output : []) as Partial<Record<string, unknown>>[];
  const found = tests.find((test) => test['n_gen'] === tokens && test['n_depth'] === context);
  const nanoseconds = found?.['avg_ns'];
  if (typeof nanoseconds !== 'number') {
    throw new Error(
      `llama-bench: expected a test with n_gen ${tokens}, n_depth ${context} and its avg_ns, found ${JSON.stringify(output)}`,
    );
  }
  return nanoseconds / 1e6;
}
