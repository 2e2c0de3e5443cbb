import { Language, Parser, type Node, type Tree } from '@vscode/tree-sitter-wasm';
import { join } from 'node:path';
import { errorMessage } from '../base/async';
import type { Disposable } from '../base/lifecycle';

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

/**
 * Texts that complete most holes grammatically: with one of them in every hole, the errors that remain
 * are the file's own, which no candidate has to answer for.
 */
const PLACEHOLDERS = ['', 'x', '\n', 'x()', 'x;', '"x"', '{}', 'pass'] as const;

/** What parsing says about candidates, in their order. */
export type SyntaxVerdicts =
  | { readonly kind: 'judged'; readonly parses: readonly boolean[] }
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

  supports(languageId: string): boolean {
    return GRAMMARS.has(languageId);
  }

  /** The number of ERROR and MISSING nodes, or `undefined` when the text cannot be judged. */
  async countParseErrors(languageId: string, text: string): Promise<number | undefined> {
    if (text.length > LONGEST_TEXT) return undefined;
    const parser = await this.parserFor(languageId);
    return parser === undefined ? undefined : countErrors(parser, text);
  }

  /**
   * Says of each candidate whether the file filled with it has no more errors than it must have: as few
   * as with the best of all candidates and of some placeholders.
   *
   * @param segments the k + 1 texts around the holes
   * @param fills for each candidate, the text of each of the k holes
   */
  async judge(
    languageId: string,
    segments: readonly string[],
    fills: readonly (readonly string[])[],
  ): Promise<SyntaxVerdicts> {
    let length = 0;
    for (const segment of segments) length += segment.length;
    if (length > LONGEST_TEXT) {
      const reason = `not parsed: ${length} characters are more than the limit of ${LONGEST_TEXT}`;
      return { kind: 'unjudged', reason };
    }
    let parser: Parser | undefined;
    try {
      parser = await this.parserFor(languageId);
    } catch (error) {
      return { kind: 'unjudged', reason: errorMessage(error) };
    }
    if (parser === undefined) return { kind: 'unjudged', reason: `no grammar for ${languageId}` };

    const errors: number[] = [];
    for (const candidate of fills) errors.push(countErrors(parser, fillIn(segments, candidate)));
    let attainable = Math.min(...errors);
    for (const placeholder of PLACEHOLDERS) {
      if (attainable === 0) break;
      const text = fillIn(segments, new Array<string>(segments.length - 1).fill(placeholder));
      attainable = Math.min(attainable, countErrors(parser, text));
    }
    return { kind: 'judged', parses: errors.map((count) => count <= attainable) };
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

function fillIn(segments: readonly string[], fills: readonly string[]): string {
  let text = segments[0] ?? '';
  for (let i = 1; i < segments.length; i++) text += (fills[i - 1] ?? '') + (segments[i] ?? '');
  return text;
}

function countErrors(parser: Parser, text: string): number {
  const tree: Tree | null = parser.parse(text);
  if (tree === null) throw new Error('tree-sitter gave no tree although nothing stops it from parsing');
  try {
    return countBelow(tree.rootNode);
  } finally {
    tree.delete();
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
