import type { Node } from '@vscode/tree-sitter-wasm';
import type { FilledText, Place } from './filledText';

/** Parts of a statement that stand as far to the right as its own first line. */
const CLAUSES: ReadonlySet<string> = new Set([
  'elif_clause',
  'else_clause',
  'except_clause',
  'except_group_clause',
  'finally_clause',
]);

/** The usual statements in which there is no block. */
const LEAVES: ReadonlySet<string> = new Set([
  'expression_statement',
  'return_statement',
  'import_statement',
  'import_from_statement',
  'raise_statement',
  'assert_statement',
]);

/** A filled text and what is known of it. */
export interface PythonText extends FilledText {
  /** Whether whoever gets the fills goes on writing behind them: a block that is still to be written there is no error. */
  readonly writesOn: boolean;
  /** Whether the file goes on before and behind the text. */
  readonly cutBefore: boolean;
  readonly cutAfter: boolean;
}

/**
 * Counts what Python calls errors of indentation and the grammar lets pass: blocks without a statement, statements
 * further to the right than the one before them, clauses that stand under no statement of theirs, and `try` without
 * `except` and `finally`. Only where fills may be to blame: from the line of code before each to where the blocks that
 * were open there end. Where the grammar found an error among these, blocks are guesswork and not counted.
 *
 * @param root what the text was parsed to
 */
export function countBlockErrors(root: Node, filled: PythonText): number {
  return filled.places.reduce((sum, place) => sum + countAt(root, filled, place), 0);
}

function countAt(root: Node, filled: PythonText, place: Place): number {
  const { text } = filled;
  const start = codeBefore(text, place.start);
  const near = { start, end: blocksEnd(text, place.end, leastDepth(text.slice(start, place.end))) };
  const around = root.descendantForIndex(near.start, near.end);
  const pending: Node[] = around === null ? [] : [withStatement(around)];
  let count = 0;
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.endIndex < near.start || node.startIndex > near.end) continue;
    if (node.isError || node.isMissing) return 0;
    if (isWrong(node, filled) && !isUnfinished(node, filled, place)) count++;
    if (LEAVES.has(node.type)) continue;
    for (const child of node.namedChildren) if (child !== null) pending.push(child);
  }
  return count;
}

/** Where a text's last line of code before an offset begins; 0 where there is none. */
function codeBefore(text: string, offset: number): number {
  for (let end = offset; end > 0;) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    if (isCode(text.slice(start, end))) return start;
    end = start - 1;
  }
  return 0;
}

/**
 * Where a text's first line of code behind an offset ends that is no further right than a given one: there it shows
 * whether the blocks fit that were open before. The text's end where there is none.
 */
function blocksEnd(text: string, offset: number, indentation: number): number {
  for (let start = offset; ;) {
    const end = text.indexOf('\n', start);
    if (end === -1) return text.length;
    const line = text.slice(start, end);
    // What is left of the fill's own line belongs to it.
    if (start !== offset && isCode(line) && depthOf(line) <= indentation) return end;
    start = end + 1;
  }
}

function leastDepth(lines: string): number {
  return Math.min(...lines.split('\n').filter(isCode).map(depthOf));
}

function depthOf(line: string): number {
  return line.length - line.trimStart().length;
}

function isCode(line: string): boolean {
  const code = line.trimStart();
  return code !== '' && !code.startsWith('#');
}

/** A clause or a block is judged with the statement that it belongs to. */
function withStatement(node: Node): Node {
  return node.type === 'block' || CLAUSES.has(node.type) ? (node.parent ?? node) : node;
}

function isWrong(node: Node, filled: PythonText): boolean {
  const { type, parent } = node;
  if (type === 'comment') return false;
  if (type === 'block') return node.namedChildren.every((child) => child?.type === 'comment');
  if (type === 'try_statement')
    return !node.namedChildren.some((child) => child !== null && isHandler(child));
  if (parent === null) return false;
  // What is decorated stands below its decorators.
  if (CLAUSES.has(type) || parent.type === 'decorated_definition') return differs(node, parent, filled.text);
  return (parent.type === 'block' || parent.type === 'module') && isFurtherRight(node, parent, filled);
}

function isHandler({ type }: Node): boolean {
  return type.startsWith('except') || type === 'finally_clause';
}

/** What stands before a node on its line, if that is indentation only and the line goes on no other. */
function indentation({ startIndex }: Node, text: string): string | undefined {
  const lineStart = text.lastIndexOf('\n', startIndex - 1) + 1;
  if (text.slice(0, lineStart).endsWith('\\\n')) return undefined;
  // Python begins to count anew behind a form feed.
  const before = text
    .slice(lineStart, startIndex)
    .replace(/^\ufeff/, '')
    .replace(/^.*\f/, '');
  return /^[ \t]*$/.test(before) ? before : undefined;
}

function differs(clause: Node, statement: Node, text: string): boolean {
  const [one, other] = [indentation(clause, text), indentation(statement, text)];
  return one !== undefined && other !== undefined && one !== other;
}

/** Than the statement before it that begins a line. Also true of tabs under blanks, which Python does not compare. */
function isFurtherRight(node: Node, parent: Node, { text, cutBefore }: PythonText): boolean {
  const own = indentation(node, text);
  if (own === undefined) return false;
  for (let before = node.previousNamedSibling; before !== null; before = before.previousNamedSibling) {
    const other = before.type === 'comment' ? undefined : indentation(before, text);
    if (other !== undefined) return !other.startsWith(own);
  }
  return parent.type === 'module' && own !== '' && !cutBefore;
}

/** Whether what is missing of a wrong node would be written behind the fill, or stands behind the text's end. */
function isUnfinished({ type, endIndex }: Node, filled: PythonText, { start, end }: Place): boolean {
  const { text, writesOn, cutAfter } = filled;
  if (type !== 'block' && type !== 'try_statement') return false;
  if (cutAfter && endIndex >= text.trimEnd().length) return true;
  if (!writesOn) return false;
  if (type === 'try_statement') return endIndex >= start + text.slice(start, end).trimEnd().length;
  // Nothing but comments stand between the block's header and the end of the line of the cursor.
  if (endIndex > end) return !text.slice(end, endIndex).includes('\n');
  return !text.slice(endIndex, end).split('\n').some(isCode);
}
