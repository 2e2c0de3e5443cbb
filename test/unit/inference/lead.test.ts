import assert from 'node:assert/strict';
import fc from 'fast-check';
import { splitLead } from '../../../server/src/inference/lead';
import { tokenizer } from '../tokenizer/shippedTokenizer';

const word = fc.stringMatching(/^[a-zA-Z_]{1,12}$/);
const textBefore = fc
  .array(fc.oneof(word, fc.constantFrom(' ', '(', ').', '\n', '  ', ' = ', '7', 'é', '🙂', "['", '=> {')))
  .map((parts) => parts.join(''));

describe('splitLead', () => {
  it('takes a line apart without losing a character', () => {
    fc.assert(
      fc.property(textBefore, (before) => {
        const { text, lead } = splitLead(tokenizer, before, true);
        assert.equal(text + tokenizer.decode(lead.ids).text + lead.opening, before);
      }),
    );
  });

  it('names just the tokens that begin with what was taken off, among them one that says more', () => {
    fc.assert(
      fc.property(textBefore, (before) => {
        const { opening, first } = splitLead(tokenizer, before, true).lead;
        assert.equal(first === undefined, opening === '');
        if (first === undefined) return;
        if (first.bare !== undefined) assert.equal(tokenizer.decode(Int32Array.of(first.bare)).text, opening);
        const named = new Set(first.ids);
        let isMore = false;
        for (let id = tokenizer.firstText; id < tokenizer.vocabSize; id++) {
          const { text } = tokenizer.decode(Int32Array.of(id));
          assert.equal(named.has(id), text.startsWith(opening), JSON.stringify(text));
          isMore ||= named.has(id) && text.length > opening.length;
        }
        assert.ok(isMore);
      }),
      { numRuns: 20 },
    );
  });

  it('has others where no token says the opening alone, each of which takes the line apart, too', () => {
    const { others, opening } = splitLead(tokenizer, 'return lead', true).lead;
    assert.equal(opening, ' lead');
    assert.ok(others.length > 0);
    fc.assert(
      fc.property(textBefore, (before) => {
        const { text, lead } = splitLead(tokenizer, before, true);
        assert.equal(lead.others.length > 0, lead.first !== undefined && lead.first.bare === undefined);
        for (const [i, other] of lead.others.entries()) {
          assert.equal(text + tokenizer.decode(other.ids).text + other.opening, before);
          assert.ok(other.ids.length > (i === 0 ? lead : lead.others[i - 1]!).ids.length);
        }
        // The last says of the line all that one token says.
        const last = lead.others.at(-1);
        assert.ok(last?.first === undefined || last.first.bare !== undefined);
      }),
    );
  });

  for (const [name, before, opening] of [
    ['a word', 'x = this.constr', 'constr'],
    ['a word with the blank before it', 'return tru', ' tru'],
    ['signs', 'render(', '('],
    ['a blank', 'return ', ' '],
    ['no indentation', 'if (x) {\n    ', ''],
    ['no two blanks', 'x =  ', ''],
    ['no number', 'x = 12', ''],
    ['nothing that is not ASCII', 'naï', ''],
    ['of a long word what tokens begin with', 'abcdefghijklmnopqrstuvw_con', '_con'],
  ] as const) {
    it(`takes off ${name}`, () => {
      assert.equal(splitLead(tokenizer, before, true).lead.opening, opening);
    });
  }
});
