import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { errorMessage } from '../base/async';
import { detached } from '../base/detached';
import { LruMap } from '../base/lru';
import { tokenBytes } from './byteAlphabet';

/** What tokens say as text. */
export interface DecodedText {
  readonly text: string;
  /** Whether the bytes are UTF-8. If not, each faulty sequence reads U+FFFD in `text`. */
  readonly valid: boolean;
}

/**
 * Where text may be cut without changing its tokens: before a line break that does not follow another one.
 * No pre-token of the format begins left of such a place and ends right of it.
 */
const lineStarts = /(?<![\r\n])(?=\r?\n)/;

/** Lines whose tokens are remembered: some documents' windows, so that a keystroke costs one line. */
const rememberedLines = 4096;

/** Beginnings of tokens whose ids are remembered: a word grows by a letter at a time. */
const rememberedBeginnings = 64;

/** Of lines longer than this, such as paragraphs of prose, fewer are remembered, and of the longest none. */
const longLine = 400;
const longestRemembered = 8_000;
const rememberedLongLines = 128;

/**
 * Text to token ids and back. The ids below `firstText` are the model's markers: they have no text, so no
 * text of a user can ever become one, and they are never decoded.
 */
export class Tokenizer {
  /** The bytes of every text token, by id. */
  private readonly bytes: readonly (Uint8Array | undefined)[];

  /**
   * @param definition the parsed tokenizer.json.
   * @param firstText the first id that stands for text.
   * @param vocabSize how many ids the model knows.
   * @throws when the definition is no tokenizer, or its vocabulary does not fit the model.
   */
  constructor(
    definition: unknown,
    readonly firstText: number,
    readonly vocabSize: number,
  ) {
    this.inner = createInner(definition);
    const vocabulary = this.inner.get_vocab();
    if (vocabulary.size !== vocabSize) {
      throw new Error(`expected ${vocabSize} tokens, as the manifest says, but found ${vocabulary.size}`);
    }
    const bytes = new Array<Uint8Array | undefined>(vocabSize).fill(undefined);
    for (const [token, id] of vocabulary) {
      if (id < firstText) continue;
      const content = tokenBytes(token);
      if (content === undefined || content.length === 0) {
        throw new Error(`token ${id} (${JSON.stringify(token)}) is not written in the byte-level alphabet`);
      }
      bytes[id] = content;
    }
    this.bytes = bytes;
    this.idOfBytes = new Map(
      bytes.flatMap((content, id) => (content === undefined ? [] : [[latin1(content), id] as const])),
    );
  }

  private readonly inner: HuggingFaceTokenizer;
  /** Bytes are written as the characters of the same numbers. */
  private readonly idOfBytes: ReadonlyMap<string, number>;
  private readonly lines = new LruMap<string, readonly number[]>(rememberedLines);
  private readonly longLines = new LruMap<string, readonly number[]>(rememberedLongLines);
  private readonly beginnings = new LruMap<string, Int32Array>(rememberedBeginnings);
  private readonly utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  private readonly strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

  /** The ids of the text. A lone surrogate becomes U+FFFD, as it has no UTF-8. */
  encode(text: string): Int32Array {
    if (text === '') return new Int32Array(0);
    return Int32Array.from(text.split(lineStarts).flatMap((line) => this.encodeLine(line)));
  }

  private encodeLine(line: string): readonly number[] {
    const lines = line.length > longLine ? this.longLines : this.lines;
    const known = lines.get(line);
    if (known !== undefined) return known;
    const { ids } = this.inner.encode(line, { add_special_tokens: false });
    if (line.length <= longestRemembered) lines.set(detached(line), ids);
    return ids;
  }

  /** The text of the ids; markers among them are an error of the caller. */
  decode(ids: Int32Array): DecodedText {
    let length = 0;
    for (const id of ids) length += this.bytesOf(id).length;
    const joined = new Uint8Array(length);
    let offset = 0;
    for (const id of ids) {
      const part = this.bytesOf(id);
      joined.set(part, offset);
      offset += part.length;
    }
    try {
      return { text: this.strictUtf8.decode(joined), valid: true };
    } catch {
      // The only error a strict decoder knows: not UTF-8. The answer carries that as a value.
      return { text: this.utf8.decode(joined), valid: false };
    }
  }

  /** The ids, ascending, of all text tokens that begin with this ASCII text. */
  beginningWith(prefix: string): Int32Array {
    const known = this.beginnings.get(prefix);
    if (known !== undefined) return known;
    const wanted = Buffer.from(prefix, 'latin1');
    const ids: number[] = [];
    for (const [id, bytes] of this.bytes.entries()) {
      if (bytes !== undefined && wanted.every((byte, i) => byte === bytes[i])) ids.push(id);
    }
    const found = Int32Array.from(ids);
    this.beginnings.set(prefix, found);
    return found;
  }

  /** The text token of exactly these bytes, if there is one. */
  withBytes(bytes: Uint8Array): number | undefined {
    return this.idOfBytes.get(latin1(bytes));
  }

  /** The bytes of one text token. */
  bytesOf(id: number): Uint8Array {
    const bytes = this.bytes[id];
    if (bytes === undefined) {
      throw new RangeError(
        `Token ${id} has no text: text tokens are ${this.firstText} to ${this.vocabSize - 1}`,
      );
    }
    return bytes;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function createInner(definition: unknown): HuggingFaceTokenizer {
  if (typeof definition !== 'object' || definition === null) {
    throw new Error(`expected a JSON object, but found ${definition === null ? 'null' : typeof definition}`);
  }
  try {
    // Without this setting "f ( a , b )" would be decoded as "f ( a, b )". And the library insists on the
    // presence of sections that the format allows to leave out.
    return new HuggingFaceTokenizer(
      { normalizer: null, post_processor: null, decoder: null, added_tokens: [], ...definition },
      { clean_up_tokenization_spaces: false },
    );
  } catch (error) {
    throw new Error(`not a tokenizer in the Hugging Face format: ${errorMessage(error)}`, { cause: error });
  }
}
