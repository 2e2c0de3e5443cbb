import assert from 'node:assert/strict';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { Tokenizer } from '../../../server/src/tokenizer/tokenizer';
import { definition, tokenizer } from './shippedTokenizer';

/** Text as it occurs: code, white space of all kinds, other scripts, emoji, and markers that are none. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'const x = ',
        '    ',
        '\n',
        '\r\n',
        '\n\n',
        '\r',
        ' \n  ',
        '\t\t',
        ' ( a , b ) ',
        '🙂',
        '日本語',
        'é',
        '<|mask|>',
        '<|eoh|>',
        '123456',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

/** The text with lone surrogates replaced, as UTF-8 does it. */
const wellFormed = (original: string): string => Buffer.from(original).toString();

describe('Tokenizer', () => {
  it('gives back every text that has UTF-8', () => {
    fc.assert(
      fc.property(text, (original) => {
        const decoded = tokenizer.decode(tokenizer.encode(original));
        assert.deepEqual(decoded, { text: wellFormed(original), valid: true });
      }),
      { numRuns: 300 },
    );
  });

  it('gives a text the same tokens line by line as in one go', () => {
    const whole = new HuggingFaceTokenizer(definition as object, { clean_up_tokenization_spaces: false });
    fc.assert(
      fc.property(text, (original) => {
        assert.deepEqual([...tokenizer.encode(original)], whole.encode(original).ids);
      }),
      { numRuns: 500 },
    );
  });

  it('never makes a marker out of text', () => {
    for (const token of ['<|mask|>', '<|eoh|>', '<|pad|>', '<|fill_0|>', '<|typescript|>']) {
      assert.ok(
        tokenizer.encode(`a ${token} b`).every((id) => id >= tokenizer.firstText && id < tokenizer.vocabSize),
      );
      assert.equal(tokenizer.decode(tokenizer.encode(token)).text, token);
    }
  });

  it('turns a lone surrogate into U+FFFD', () => {
    assert.equal(tokenizer.decode(tokenizer.encode('a\ud83db')).text, 'a\ufffdb');
  });

  it('says when tokens cut a character apart', () => {
    const bytes = [...tokenizer.encode('\u{1f9ff}')];
    assert.ok(bytes.length > 1, 'expected a character that is rare enough to need several tokens');
    assert.equal(tokenizer.decode(Int32Array.from(bytes.slice(0, -1))).valid, false);
    assert.equal(tokenizer.decode(Int32Array.from(bytes)).valid, true);
  });

  it('keeps a real U+FFFD apart from a faulty one', () => {
    assert.deepEqual(tokenizer.decode(tokenizer.encode('\ufffd')), { text: '\ufffd', valid: true });
  });

  it('encodes nothing as nothing', () => {
    assert.equal(tokenizer.encode('').length, 0);
    assert.deepEqual(tokenizer.decode(new Int32Array(0)), { text: '', valid: true });
  });

  it('refuses to decode markers', () => {
    assert.throws(
      () => tokenizer.decode(Int32Array.of(1)),
      /Token 1 has no text: text tokens are 32 to 8191/,
    );
  });

  it('says what is wrong with a definition', () => {
    assert.throws(() => new Tokenizer(null, 32, 8192), /expected a JSON object, but found null/);
    assert.throws(() => new Tokenizer({}, 32, 8192), /not a tokenizer in the Hugging Face format/);
    assert.throws(
      () => new Tokenizer(definition, 32, 9000),
      /expected 9000 tokens, as the manifest says, but found 8192/,
    );
  });
});
