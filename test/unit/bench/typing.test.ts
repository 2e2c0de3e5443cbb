import assert from 'node:assert/strict';
import fc from 'fast-check';
import { closedBy, closingIndex } from '../../../bench/typing/autoClosing';
import { acceptable, saved } from '../../../bench/typing/saved';
import { type TypingEvent, type TypingScript, typingScript } from '../../../bench/typing/script';

/** The documents after each event, the first one being the one before. */
function documents({ initial, events }: TypingScript): string[] {
  const texts = [initial];
  let text = initial;
  for (const { offset, removed, inserted } of events) {
    assert.ok(offset >= 0 && offset + removed <= text.length, 'edits lie within the document');
    text = text.slice(0, offset) + inserted + text.slice(offset + removed);
    texts.push(text);
  }
  return texts;
}

const code = `import { a } from './a';

export class Basket {
  private readonly items: Item[] = [];

  add(item: Item): void {
    // don't [look
    this.items.push({ ...item, name: "it's \\"quoted\\" :)" });
    if (item.price > [1, 2].length) {
      this.log(\`sum \${this.total(")")}\`);
    }
  }
}
`;

/** Texts in which everything occurs that the editor acts upon, and everything that is odd. */
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        ...Array.from('(){}[]\'"`\\\n\r \tab;,.=😀'),
        '\r\n',
        '\n  ',
        '{\n',
        '\n}',
        '\ud83d',
        '//',
      ),
    )
    .map((parts) => parts.join('')),
);
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('typingScript', () => {
  it('makes exactly the file out of an empty document', () => {
    fc.assert(
      fc.property(texts, seeds, (file, seed) => {
        const script = typingScript(file, { seed, typed: Infinity });
        assert.equal(script.initial, '');
        assert.equal(documents(script).at(-1), file);
      }),
      { numRuns: 2000 },
    );
  });

  it('makes exactly the file out of a document that lacks a part of it', () => {
    fc.assert(
      fc.property(texts, seeds, fc.integer({ min: 1, max: 40 }), (file, seed, typed) => {
        const script = typingScript(file, { seed, typed });
        assert.ok(file.length - script.initial.length <= typed);
        assert.equal(documents(script).at(-1), file);
      }),
      { numRuns: 1000 },
    );
  });

  it('edits at the cursor only, which jumps nowhere without a jump', () => {
    fc.assert(
      fc.property(texts, seeds, (file, seed) => {
        let cursor = 0;
        for (const event of typingScript(file, { seed, typed: Infinity }).events) {
          const { kind, offset, removed } = event;
          if (kind !== 'jump') assert.equal(kind === 'backspace' ? offset + removed : offset, cursor, kind);
          assert.ok(event.pauseMs >= 0);
          ({ cursor } = event);
        }
      }),
    );
  });

  it('says what is still to be written at the cursor: up to what stands there already', () => {
    const file = 'call({\n  a: [1, "two"],\n});\nnext();\n';
    const script = typingScript(file, { seed: 3, typed: Infinity });
    const after = documents(script).slice(1);
    for (const [i, { kind, rest, place, cursor }] of script.events.entries()) {
      if (kind === 'typo' || kind === 'backspace') continue;
      assert.ok(file.startsWith(rest + after[i]!.charAt(cursor), place), `${kind} at ${place}: ${rest}`);
    }
  });

  it('is the same for the same seed and another for another', () => {
    const events = (seed: number) => typingScript(code, { seed, typed: 200 });
    assert.deepEqual(events(1), events(1));
    assert.notDeepEqual(events(1), events(2));
  });

  it('does everything a person does', () => {
    const kinds = new Set<TypingEvent['kind']>();
    for (let seed = 0; seed < 20; seed++) {
      for (const { kind } of typingScript(code, { seed, typed: Infinity }).events) kinds.add(kind);
    }
    assert.deepEqual([...kinds].sort(), ['backspace', 'delete', 'jump', 'overtype', 'type', 'typo']);
  });

  it('closes brackets and types over them', () => {
    const { events } = typingScript('f(a);\n', { seed: 0, typed: Infinity });
    const edits = events.map(({ kind, inserted }) => `${kind} ${JSON.stringify(inserted)}`);
    assert.deepEqual(edits, [
      'jump ""',
      'type "f"',
      'type "()"',
      'type "a"',
      'overtype ")"',
      'type ";"',
      'type "\\n"',
    ]);
    assert.equal(events[3]!.rest, '');
    assert.equal(events[2]!.rest, 'a');
  });

  it('opens a block over two lines and walks out of it', () => {
    const { events } = typingScript('{\n  a\n}', { seed: 0, typed: Infinity });
    const edits = events.map(({ kind, inserted }) => `${kind} ${JSON.stringify(inserted)}`);
    assert.deepEqual(edits, ['jump ""', 'type "{}"', 'type "\\n  \\n"', 'type "a"', 'jump ""']);
  });
});

describe('closedBy', () => {
  const at = (line: string, next = '', inString = false) => ({ line, next, inString });
  const cases: [typed: string, where: ReturnType<typeof at>, closing: string | undefined][] = [
    ['(', at('f'), ')'],
    ['{', at('', '\n'), '}'],
    ['(', at('f', ')'), ')'],
    ['(', at('f', 'x'), undefined],
    ['"', at('a = '), '"'],
    ["'", at('don'), undefined],
    ['"', at('  // say '), undefined],
    ['(', at('a = "', '"', true), undefined],
    ['a', at(''), undefined],
  ];
  for (const [typed, where, closing] of cases) {
    it(`${typed} behind ${JSON.stringify(where.line)} before ${JSON.stringify(where.next)}`, () => {
      assert.equal(closedBy(typed, where), closing);
    });
  }
});

describe('closingIndex', () => {
  it('balances brackets, skips what is escaped, and ends quotes on their line', () => {
    assert.equal(closingIndex('((a))', 1, '(', ')'), 4);
    assert.equal(closingIndex('"a\\"b"', 1, '"', '"'), 5);
    assert.equal(closingIndex('"a\n"', 1, '"', '"'), undefined);
    assert.equal(closingIndex('(a', 1, '(', ')'), undefined);
  });
});

describe('acceptable', () => {
  const cases: [ghost: string, rest: string, length: number][] = [
    ['items.length', 'items.length;\n', 12],
    ['items.size', 'items.length;\n', 0],
    ['a();\n  b();', 'a();\n  b();\n', 11],
    // The first line is right, the second is not.
    ['a();\n  c();', 'a();\n  b();\n', 4],
    // The first line is the beginning of a longer one.
    ['a\nb', 'a();\n', 0],
    ['', 'a', 0],
  ];
  for (const [ghost, rest, length] of cases) {
    it(`${JSON.stringify(ghost)} before ${JSON.stringify(rest)}`, () => {
      assert.equal(acceptable(ghost, rest), length);
    });
  }
});

describe('saved', () => {
  const event = (place: number, rest: string): TypingEvent => {
    const edit = { offset: place - 1, removed: 0, inserted: 'x', cursor: place };
    return { kind: 'type', pauseMs: 0, ...edit, place, rest };
  };

  it('counts nothing twice', () => {
    const asked = [
      { event: event(1, 'bcdef'), ghost: 'bcd' },
      // Would have been accepted already.
      { event: event(2, 'cdef'), ghost: 'cdef' },
      { event: event(3, 'def'), ghost: 'd' },
      { event: event(4, 'ef'), ghost: 'x' },
      { event: event(5, 'f') },
      { event: event(6, ''), ghost: 'g' },
    ];
    assert.deepEqual(saved(asked), { characters: 3, accepted: 1, shown: 3, typed: 6 });
  });

  it('counts what is typed along as shown once', () => {
    const asked = [
      { event: event(1, 'abc'), ghost: 'abx' },
      { event: event(2, 'bc'), ghost: 'bx' },
      { event: event(3, 'c') },
      { event: event(4, ''), ghost: 'x' },
    ];
    assert.deepEqual(saved(asked), { characters: 0, accepted: 0, shown: 2, typed: 4 });
  });

  it('starts again where an accepted completion ended', () => {
    const asked = [
      { event: event(1, 'bcd'), ghost: 'b' },
      { event: event(2, 'cd'), ghost: 'cd' },
    ];
    assert.deepEqual(saved(asked), { characters: 3, accepted: 2, shown: 2, typed: 2 });
  });
});
