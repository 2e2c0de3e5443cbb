import { Language, Parser, type Node, type Tree } from '@vscode/tree-sitter-wasm';
import { join } from 'node:path';
import { errorMessage } from '../base/async';
import type { Disposable } from '../base/lifecycle';
import type { OutsideText } from './context';
import { editsBetween, type FilledText, fillIn, placeholders } from './filledText';
import { countBlockErrors } from './pythonBlocks';

/** Language id → the grammar that parses it, a file `tree-sitter-<grammar>.wasm` of the folder. */
const GRAMMARS: ReadonlyMap<string, string> = new Map([
  ['typescript', 'typescript'],
  ['typescriptreact', 'tsx'],
  ['javascript', 'javascript'],
  ['javascriptreact', 'javascript'],
  ['python', 'python'],
  ['css', 'css'],
]);

/** In UTF-16 units. Parsing runs on the server's thread, so that longer texts get no verdict. */
const LONGEST_TEXT = 300_000;

/** Where candidates stand. */
export interface FillPlace {
  /** Language id */
  readonly language: string;
  /** The k + 1 texts around the holes */
  readonly segments: readonly string[];
  /** Whether the person goes on writing behind a fill: then a block may be still to be written there. */
  readonly writesOn: boolean;
  /** Whether the file goes on before the first and behind the last text; absent: it does not. */
  readonly cutBefore?: boolean;
  readonly cutAfter?: boolean;
  /** What stands there. A part that begins inside a docstring is read inside out: as code what is none. */
  readonly outside?: OutsideText;
}

/** A place as the parser gets it: the whole file if that is not too long. */
function wholeOf(place: FillPlace): FillPlace {
  const { segments, outside } = place;
  if (outside === undefined) return place;
  const last = segments.length - 1;
  const whole = segments.map(
    (text, i) => (i === 0 ? outside.before : '') + text + (i === last ? outside.after : ''),
  );
  if (lengthOf(whole) > LONGEST_TEXT) return place;
  return { ...place, segments: whole, cutBefore: false, cutAfter: false };
}

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

/** What parsing says about candidates, in their order. */
export type SyntaxVerdicts =
  | {
      readonly kind: 'judged';
      /** Undefined where nobody looked: enough of the candidates before it are right. */
      readonly parses: readonly (boolean | undefined)[];
    }
  /** No grammar for the language, a text too long to parse here, or a grammar that cannot be loaded. */
  | { readonly kind: 'unjudged'; readonly reason: string };

/**
 * Parses whole files with tree-sitter and counts what the grammar could not make sense of.
 * One parser a language, loaded at its first use and kept.
 */
export class SyntaxChecker implements Disposable {
  private runtime: Promise<void> | undefined;
  private readonly parsers = new Map<string, Promise<Parser>>();

  /** @param grammarsFolder where `tree-sitter.wasm` and the grammars lie: `dist/grammars` */
  constructor(private readonly grammarsFolder: string) {}

  /** The number of ERROR and MISSING nodes, or `undefined` when the text cannot be judged. */
  async countParseErrors(languageId: string, text: string): Promise<number | undefined> {
    if (text.length > LONGEST_TEXT) return undefined;
    const parser = await this.parserFor(languageId);
    if (parser === undefined) return undefined;
    const counter = new ErrorCounter(parser);
    try {
      return counter.count({ text, places: [] });
    } finally {
      counter.dispose();
    }
  }

  /**
   * Says of candidates whether the file filled with them has no more errors than it must have: as few as with the best
   * of all candidates and of some placeholders.
   *
   * @param fills for each candidate, best first, the text of each of the k holes
   * @param wanted whether candidates parse is not asked any more where the file has no error with so many
   */
  async judge(
    place: FillPlace,
    fills: readonly (readonly string[])[],
    wanted: number,
  ): Promise<SyntaxVerdicts> {
    const { language, segments, writesOn, cutBefore = false, cutAfter = false } = wholeOf(place);
    const length = lengthOf(segments);
    if (length > LONGEST_TEXT) {
      const reason = `not parsed: ${length} characters are more than the limit of ${LONGEST_TEXT}`;
      return { kind: 'unjudged', reason };
    }
    let parser: Parser | undefined;
    try {
      parser = await this.parserFor(language);
    } catch (error) {
      return { kind: 'unjudged', reason: errorMessage(error) };
    }
    if (parser === undefined) return { kind: 'unjudged', reason: `no grammar for ${language}` };

    const counter = new ErrorCounter(parser, (root, filled) =>
      language === 'python' ? countBlockErrors(root, { ...filled, writesOn, cutBefore, cutAfter }) : 0,
    );
    const errors: number[] = [];
    let right = 0;
    let attainable = Infinity;
    try {
      for (const candidate of fills) {
        if (right === wanted) break;
        const found = counter.count(fillIn(segments, candidate));
        errors.push(found);
        if (found === 0) right++;
      }
      attainable = Math.min(...errors);
      for (const placeholder of placeholders(language, segments)) {
        if (attainable === 0) break;
        const everywhere = new Array<string>(segments.length - 1).fill(placeholder);
        attainable = Math.min(attainable, counter.count(fillIn(segments, everywhere)));
      }
    } finally {
      counter.dispose();
    }
    const isRight = (found: number | undefined): boolean | undefined =>
      found === undefined ? undefined : found <= attainable;
    return { kind: 'judged', parses: fills.map((_, i) => isRight(errors[i])) };
  }

  /** Whether a cursor is inside a comment; not where there is no grammar or too much text to tell. */
  async isInComment(languageId: string, text: string, offset: number): Promise<boolean> {
    if (text.length > LONGEST_TEXT) return false;
    // A grammar that cannot be loaded is complained about where candidates are judged.
    const parser = await this.parserFor(languageId)?.catch(() => undefined);
    const tree = parser?.parse(text) ?? null;
    if (tree === null) return false;
    try {
      return isCommentAt(tree.rootNode, offset);
    } finally {
      tree.delete();
    }
  }

  dispose(): void {
    for (const loading of this.parsers.values()) {
      loading.then(
        (parser) => {
          parser.delete();
        },
        () => undefined,
      );
    }
    this.parsers.clear();
  }

  private parserFor(languageId: string): Promise<Parser> | undefined {
    const grammar = GRAMMARS.get(languageId);
    if (grammar === undefined) return undefined;
    let loading = this.parsers.get(grammar);
    if (loading === undefined) {
      loading = this.load(grammar);
      this.parsers.set(grammar, loading);
    }
    return loading;
  }

  private async load(grammar: string): Promise<Parser> {
    const path = join(this.grammarsFolder, `tree-sitter-${grammar}.wasm`);
    try {
      this.runtime ??= Parser.init({ locateFile: (file) => join(this.grammarsFolder, file) });
      await this.runtime;
      const language = await Language.load(path);
      return new Parser().setLanguage(language);
    } catch (error) {
      throw new Error(
        `The grammar ${path} cannot be loaded (${errorMessage(error)}); candidates are not parsed. ` +
          'Build again or reinstall the extension.',
        { cause: error },
      );
    }
  }
}

/**
 * Counts the errors of one filling of a text after the other. Texts that differ in their holes only are parsed from the
 * first one's tree.
 */
class ErrorCounter implements Disposable {
  private first: { readonly filled: FilledText; readonly tree: Tree } | undefined;

  constructor(
    private readonly parser: Parser,
    /** Counts errors that the grammar lets pass. */
    private readonly more: (root: Node, filled: FilledText) => number = () => 0,
  ) {}

  count(filled: FilledText): number {
    const tree = this.parse(filled);
    try {
      return countBelow(tree.rootNode) + this.more(tree.rootNode, filled);
    } finally {
      if (tree !== this.first?.tree) tree.delete();
    }
  }

  dispose(): void {
    this.first?.tree.delete();
    this.first = undefined;
  }

  private parse(filled: FilledText): Tree {
    const edited = this.first?.tree.copy();
    try {
      if (this.first) for (const edit of editsBetween(this.first.filled, filled)) edited?.edit(edit);
      const tree = this.parser.parse(filled.text, edited);
      if (tree === null) throw new Error('tree-sitter gave no tree although nothing stops it from parsing');
      this.first ??= { filled, tree };
      return tree;
    } finally {
      edited?.delete();
    }
  }
}

/** A comment to the end of the line goes on at its end; one with a closing mark does not. */
function isCommentAt(root: Node, offset: number): boolean {
  const before = root.descendantForIndex(Math.max(0, offset - 1));
  for (let node = before; node !== null; node = node.parent) {
    if (!node.type.includes('comment')) continue;
    return node.startIndex < offset && (offset < node.endIndex || !node.text.endsWith('*/'));
  }
  return false;
}

/** Visits only the subtrees that contain an error. The depth is bounded by the tree's, so no recursion. */
function countBelow(root: Node): number {
  let count = 0;
  const pending: Node[] = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (!node.hasError && !node.isMissing) continue;
    if (node.isError || node.isMissing) count++;
    for (const child of node.children) if (child !== null) pending.push(child);
  }
  return count;
}
