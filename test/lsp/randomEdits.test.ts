import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ProtocolRange, ProtocolTextEdit } from '../../server/src/protocol';
import { LanguageServer } from './languageServer';

const EDITS = 1_000;
/** After so many edits something is filled. */
const EDITS_A_FILL = 20;

/** Pieces as people type and paste them, with everything that is hard about text. */
const PIECES = [
  'a',
  ' = ',
  '();\r\n',
  '\r\n',
  '{\r\n  ',
  '}',
  '"😀"',
  'ü',
  '// \r\n',
  '⟦⟧',
  '⟦4⟧',
  'return x;',
];

interface Step {
  readonly at: number;
  readonly removed: number;
  readonly piece: string;
  readonly marks: readonly boolean[];
}

const steps = fc.array(
  fc.record({
    at: fc.nat(),
    removed: fc.nat(6),
    piece: fc.constantFrom(...PIECES),
    marks: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
  }),
  { minLength: EDITS, maxLength: EDITS, size: 'max' },
);

describe('random edits with fills between them', () => {
  let server: LanguageServer;

  before(async () => {
    server = await LanguageServer.start({ settings: { maxTokens: 4, steps: 2 } });
    await server.ready();
  });

  after(async () => {
    await server.stop();
  });

  /** Every character outside the holes is where it was, in front of and behind what was written. */
  function assertOnlyHolesChange(uri: string, edits: readonly ProtocolTextEdit[]): string {
    const document = server.document(uri);
    const text = document.getText();
    const filled = server.withEdits(uri, [...edits]);
    let before = 0;
    let after = 0;
    for (const { range, newText } of edits) {
      const start = document.offsetAt(range.start);
      assert.ok(start >= before, 'holes overlap');
      assert.equal(filled.slice(after, after + start - before), text.slice(before, start));
      assert.equal(filled.slice(after + start - before, after + start - before + newText.length), newText);
      after += start - before + newText.length;
      before = document.offsetAt(range.end);
    }
    assert.equal(filled.slice(after), text.slice(before));
    return filled;
  }

  async function fillHoles(uri: string): Promise<void> {
    const result = await server.fillHoles(uri);
    if (result.kind === 'empty') return;
    if (result.kind !== 'filled') assert.fail(JSON.stringify(result));
    for (const { edits } of result.candidates) assertOnlyHolesChange(uri, edits);
  }

  /** Regenerates some lines around the step's place, and keeps those that it marks. */
  async function regenerate(uri: string, { at, marks }: Step): Promise<void> {
    const document = server.document(uri);
    const first = document.positionAt(at % (document.getText().length + 1)).line;
    const last = Math.min(document.lineCount - 1, first + marks.length - 1);
    const end = document.offsetAt({ line: last + 1, character: 0 });
    const start = document.offsetAt({ line: first, character: 0 });
    if (end === start) return;
    const keep: ProtocolRange[] = [];
    for (let line = first; line <= last; line++) {
      const text = document.getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } });
      const character = text.replace(/[\r\n]+$/, '').length;
      if (marks[line - first] === true)
        keep.push({ start: { line, character: 0 }, end: { line, character } });
    }
    const result = await server.regenerate(uri, start, end, { keep, candidates: 2 });
    if (result.kind === 'failed') {
      assert.match(result.reason, /Nothing is left to regenerate/);
      return;
    }
    if (result.kind !== 'filled') return;
    for (const { edits, text } of result.candidates) {
      const filled = assertOnlyHolesChange(uri, edits);
      assert.equal(filled, document.getText().slice(0, start) + text + document.getText().slice(end));
      const lines = filled.split(/\r\n|\r|\n/);
      for (const range of keep) {
        const line = lines.indexOf(document.getText(range));
        assert.ok(line >= 0, `${document.getText(range)} is gone`);
        lines.splice(0, line + 1);
      }
    }
  }

  it(`lose no character and change no kept line in ${EDITS} edits`, async function () {
    this.timeout(300_000);
    const [script = []] = fc.sample(steps, { numRuns: 1, seed: 20_251 });
    const uri = await server.open('function first(a, b) {\r\n  return a + b;\r\n}\r\n');
    let fills = 0;
    for (const [i, step] of script.entries()) {
      const { length } = server.document(uri).getText();
      const start = step.at % (length + 1);
      // Half of all edits of a long text remove: it must not grow without end.
      const removed = length > 600 && i % 2 === 0 ? step.removed * 8 : step.removed;
      await server.replace(uri, start, Math.min(length, start + removed), step.piece);
      if (i % EDITS_A_FILL !== 0) continue;
      fills += 1;
      if (fills % 2 === 0) await fillHoles(uri);
      else await regenerate(uri, step);
    }
    assert.equal(fills, EDITS / EDITS_A_FILL);
  });
});
