/** What a model can run on: the execution providers of the runtime that Parafill knows how to use. */
export const PROVIDERS = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What is multiplied: GPUs have no fast product of int8 rows, so there the same weights become floats. */
export type Precision = 'int8' | 'float16' | 'float32';

export interface Device {
  readonly provider: Provider;
  readonly precision: Precision;
}

/** Works everywhere and is what others are compared with. */
export const CPU: Device = { provider: 'cpu', precision: 'int8' };

/** The device in words, for people: `cpu`, `webgpu (float16)`. */
export function deviceName({ provider, precision }: Device): string {
  return provider === 'cpu' ? provider : `${provider} (${precision})`;
}
