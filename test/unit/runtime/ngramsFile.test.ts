import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { contextHash } from '../../../server/src/diffusion/ngrams';
import { parseNgrams } from '../../../server/src/runtime/ngramsFile';

const vocabSize = 100;

type Tensor = readonly [dtype: string, bytes: Uint8Array];

const bytesOf = (numbers: Uint8Array | Uint16Array | Uint32Array): Uint8Array =>
  new Uint8Array(numbers.buffer);

/** One context, the token 40, which 41 follows in half of all times and 42 in a quarter. */
const good: Readonly<Record<string, Tensor>> = {
  '1.contexts': ['U32', bytesOf(Uint32Array.of(contextHash([40])))],
  '1.sizes': ['U8', Uint8Array.of(2)],
  '1.often': ['U8', Uint8Array.of(1)],
  '1.tokens': ['U16', bytesOf(Uint16Array.of(41, 42))],
  '1.shares': ['U8', Uint8Array.of(16, 32)],
};

/** A safetensors file; its tensors lie one after the other, aligned or not. */
function fileOf(tensors: Readonly<Record<string, Tensor>>): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, [dtype, { length }]]) => {
    end += length;
    return [name, { dtype, shape: [length], data_offsets: [end - length, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return new Uint8Array(Buffer.concat([length, header, ...Object.values(tensors).map(([, bytes]) => bytes)]));
}

describe('parseNgrams', () => {
  it('reads what followed, and how often', () => {
    const ngrams = parseNgrams(fileOf({ '1.odd': ['U8', Uint8Array.of(7)], ...good }), 1, vocabSize);
    assert.equal(ngrams.longest, 1);
    const found = ngrams.followers([39, 40], 1)!;
    assert.equal(found.often, 1);
    assert.deepEqual([...found.shares], [[41, 0.5], [42, 0.25]]); // prettier-ignore
    assert.equal(ngrams.followers([40, 39], 1), undefined);
    assert.equal(ngrams.followers([], 1), undefined);
  });

  it('reads what comes with the shipped model', () => {
    const manifest = JSON.parse(readFileSync('models/parafill-small/manifest.json', 'utf8')) as {
      model: { vocabSize: number };
      recall: { ngrams: unknown[] };
    };
    const data = readFileSync('models/parafill-small/ngrams.safetensors');
    const { longest } = parseNgrams(data, manifest.recall.ngrams.length, manifest.model.vocabSize);
    assert.equal(longest, 3);
  });

  const faults: readonly (readonly [what: string, data: Uint8Array<ArrayBuffer>, message: RegExp])[] = [
    ['an empty file', new Uint8Array(), /expected a safetensors file, found 0 bytes/],
    ['a cut header', fileOf(good).slice(0, 40), /expected a header of \d+ bytes, found 32/],
    ['a cut body', fileOf(good).slice(0, -3), /expected a whole number from 0 to 9 at "1.tokens.data_offsets/],
    ['no table', fileOf({}), /expected an object at "1.contexts", found nothing/],
    ['another type', fileOf({ ...good, '1.tokens': ['U8', Uint8Array.of(41, 42)] }), /expected U16 at "1.tokens.dtype", found "U8"/],
    ['an odd length', fileOf({ ...good, '1.tokens': ['U16', Uint8Array.of(41, 0, 42)] }), /expected a multiple of 2 bytes/],
    ['too few shares', fileOf({ ...good, '1.shares': ['U8', Uint8Array.of(16)] }), /1.shares: expected 2 numbers, found 1/],
    ['another tokenizer', fileOf({ ...good, '1.tokens': ['U16', bytesOf(Uint16Array.of(41, 100))] }), /1.tokens: expected ids below 100/],
    ['an unknown count', fileOf({ ...good, '1.often': ['U8', Uint8Array.of(3)] }), /1.often: expected 0, 1 or 2/],
  ]; // prettier-ignore
  for (const [what, data, message] of faults) {
    it(`says what is wrong with ${what}`, () => {
      assert.throws(() => parseNgrams(data, 1, vocabSize), message);
    });
  }
});
