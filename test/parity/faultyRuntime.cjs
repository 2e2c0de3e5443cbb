// Loaded before everything else by processes of tests (NODE_OPTIONS=--require): a driver that misbehaves as
// PARAFILL_TEST_FAULT says, in the place of the WebGPU provider. What it computes, it computes on the CPU.
const Module = require('node:module');
const { performance } = require('node:perf_hooks');

const fault = process.env['PARAFILL_TEST_FAULT'];
const load = Module._load;

function spin(/** @type {number} */ ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Lets the driver do its worst at every pass, once it has done what it was asked for. */
function afterPass(/** @type {Record<string, { location: string, data: Float32Array }>} */ outputs) {
  const { logits } = outputs;
  if (logits === undefined) return;
  if (fault === 'gives NaN') logits.data.fill(NaN);
  if (fault === 'gives infinity') logits.data.fill(Infinity, 3, 4);
  if (fault === 'gives wrong logits') for (let i = 0; i < logits.data.length; i += 2) logits.data[i] += 1;
  if (fault === 'is slow') spin(100);
}

Module._load = function (/** @type {string} */ request, /** @type {unknown[]} */ ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (request !== 'onnxruntime-node') return loaded;
  const { InferenceSession } = loaded;
  const create = async (/** @type {string} */ path, /** @type {any} */ options) => {
    const [provider] = options.executionProviders;
    const isDevice = provider === 'webgpu';
    // Computed on the CPU it would be as fast as the CPU, or by chance faster.
    if (provider !== 'cpu' && !isDevice) throw new Error(`There is no ${provider} here`);
    if (fault === 'has no memory on the CPU' && !isDevice) throw new Error('std::bad_alloc');
    // Tensors cannot stay on a device that is none.
    const onCpu = { ...options, executionProviders: ['cpu'] };
    delete onCpu.preferredOutputLocation;
    const session = await InferenceSession.create(path, onCpu);
    if (isDevice) {
      if (fault === 'is not there') throw new Error('Failed to get a WebGPU adapter');
      if (fault === 'has no memory') throw new Error('std::bad_alloc');
      if (fault === 'ends the process') process.abort();
      if (fault === 'hangs') spin(1e9);
    }
    const run = session.run.bind(session);
    session.run = async (/** @type {unknown[]} */ ...args) => {
      if (fault === 'is fast' && !isDevice && !path.endsWith('f32.onnx')) spin(100);
      if (isDevice && fault === 'ends the process in a pass') process.abort();
      if (isDevice && fault === 'throws in a pass') throw new Error('Device lost');
      const outputs = await run(...args);
      if (isDevice) afterPass(outputs);
      return outputs;
    };
    return session;
  };
  return { ...loaded, InferenceSession: { create } };
};
