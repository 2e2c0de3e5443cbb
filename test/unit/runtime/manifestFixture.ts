/** A manifest as a model folder has it, for a model of the shipped shape. */
export function manifestJson(): Record<string, unknown> {
  return {
    format: 2,
    name: 'test-model',
    version: '1.2.3',
    licence: 'MIT',
    model: {
      layers: 2,
      dim: 64,
      heads: 2,
      kvHeads: 1,
      headDim: 32,
      vocabSize: 8192,
      contextLength: 512,
      holeStride: 160,
      maxHoles: 8,
      maxCanvas: 128,
      maxPosition: 1952,
    },
    tokens: {
      pad: 0,
      mask: 1,
      eoh: 2,
      pre: 3,
      suf: 4,
      file: 5,
      language: { typescript: 6, python: 7, other: 15 },
      hole: [16, 17, 18, 19, 20, 21, 22, 23],
      fill: [24, 25, 26, 27, 28, 29, 30, 31],
      firstText: 32,
    },
    canvasSizes: [16, 32, 64, 128],
    decoding: { steps: 4, threshold: 0.9, lengths: 3 },
    files: {
      'model.onnx': { bytes: 4, sha256: '0'.repeat(64) },
      'tokenizer.json': { bytes: 4, sha256: '0'.repeat(64) },
    },
    data: {},
    training: {},
  };
}
