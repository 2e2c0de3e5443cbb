import { type NgramOrder, Ngrams } from '../diffusion/ngrams';
import { JsonReader } from './jsonReader';

/** Safetensors: the length of the header in bytes, then the header. */
const lengthBytes = 8;

const arrays = { U8: Uint8Array, U16: Uint16Array, U32: Uint32Array } as const;
type ElementType = keyof typeof arrays;

/**
 * Reads a table of n-grams from a safetensors file that models/parafill/ngrams.py wrote.
 *
 * @param orders how many parts it has: for one token, two, and so on.
 * @throws naming the part that is wrong, what was expected and what came.
 */
export function parseNgrams(data: Uint8Array<ArrayBuffer>, orders: number, vocabSize: number): Ngrams {
  if (data.length < lengthBytes) throw new Error(`expected a safetensors file, found ${data.length} bytes`);
  const length = Number(new DataView(data.buffer, data.byteOffset).getBigUint64(0, true));
  const bodyStart = lengthBytes + length;
  if (bodyStart > data.length) {
    throw new Error(
      `expected a header of ${length} bytes, found ${data.length - lengthBytes} behind its length`,
    );
  }
  const text = new TextDecoder().decode(data.subarray(lengthBytes, bodyStart));
  const header = new JsonReader(JSON.parse(text));
  const body = data.subarray(bodyStart);

  function tensor<T extends ElementType>(name: string, type: T): InstanceType<(typeof arrays)[T]> {
    const entry = header.get(name);
    const found = entry.get('dtype').string();
    if (found !== type) throw entry.get('dtype').wrong(type);
    const size = arrays[type].BYTES_PER_ELEMENT;
    const [from, to] = entry
      .get('data_offsets')
      .list()
      .map((offset) => offset.integer(0, body.length)) as [number, number];
    if ((to - from) % size !== 0 || to < from)
      throw entry.get('data_offsets').wrong(`a multiple of ${size} bytes`);
    // A copy: what is copied is aligned.
    return new arrays[type](Uint8Array.from(body.subarray(from, to)).buffer) as InstanceType<
      (typeof arrays)[T]
    >;
  }

  return new Ngrams(
    Array.from({ length: orders }, (_, i): NgramOrder => {
      const n = i + 1;
      const order = {
        contexts: tensor(`${n}.contexts`, 'U32'),
        sizes: tensor(`${n}.sizes`, 'U8'),
        often: tensor(`${n}.often`, 'U8'),
        tokens: tensor(`${n}.tokens`, 'U16'),
        shares: tensor(`${n}.shares`, 'U8'),
      };
      check(order, n, vocabSize);
      return order;
    }),
  );
}

function check({ contexts, sizes, often, tokens, shares }: NgramOrder, n: number, vocabSize: number): void {
  const followers = sizes.reduce((sum, size) => sum + size, 0);
  const lengths: readonly (readonly [name: string, found: number, expected: number])[] = [
    ['sizes', sizes.length, contexts.length],
    ['often', often.length, contexts.length],
    ['tokens', tokens.length, followers],
    ['shares', shares.length, followers],
  ];
  for (const [name, found, expected] of lengths) {
    if (found !== expected) throw new Error(`${n}.${name}: expected ${expected} numbers, found ${found}`);
  }
  if (often.some((value) => value > 2)) throw new Error(`${n}.often: expected 0, 1 or 2`);
  if (tokens.some((token) => token >= vocabSize)) {
    throw new Error(`${n}.tokens: expected ids below ${vocabSize}; the table belongs to another tokenizer`);
  }
}
