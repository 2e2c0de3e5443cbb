import type { SourceFile } from './sourceFile';

/** Some lines of a file. */
export interface Chunk {
  /** Without a line end behind the last line. */
  readonly text: string;
  readonly names: ReadonlySet<string>;
  /** How much more than others it counts. */
  readonly factor: number;
}

/** A chunk ends at the first blank line behind so many lines, and at the latest behind so many. */
const fewestLines = 6;
const mostLines = 16;

/** Longer lines are data, not code. */
const longestLine = 200;

/** Declarations of imported files count so much more than other chunks, and so do chunks worked in lately. */
const importedFactor = 1.5;
const recentFactor = 1.25;

const declaration =
  /^(?:\s*(?:export|public|protected|static|abstract|declare|async|def|class|interface|type|enum|function)\b|(?:const|let|var)\s|[A-Z][A-Z0-9_]*\s*[:=])/;

const indexed = new WeakMap<SourceFile, readonly Chunk[]>();

/** The chunks of a file, those of its declarations first; made once for every `SourceFile`. */
export function chunksOf(file: SourceFile): readonly Chunk[] {
  let chunks = indexed.get(file);
  if (chunks === undefined) {
    chunks = [...(file.imported ? cut(declarations(file.text), [], importedFactor) : []), ...cut(linesOf(file.text), file.recent ?? [], 1)]; // prettier-ignore
    indexed.set(file, chunks);
  }
  return chunks;
}

/** Whether `chunksOf` has done its work for this file before. */
export function isIndexed(file: SourceFile): boolean {
  return indexed.has(file);
}

/** The names and keywords of a text, of at least three characters. */
export function namesOf(text: string): ReadonlySet<string> {
  return new Set(text.match(/[A-Za-z_$][A-Za-z0-9_$]{2,}/g) ?? []);
}

interface Line {
  readonly text: string;
  /** Where it starts in its file, in UTF-16 units. */
  readonly start: number;
}

function linesOf(text: string): Line[] {
  let start = 0;
  return text.split('\n').map((line) => {
    const at = start;
    start += line.length + 1;
    return { text: line, start: at };
  });
}

/** The lines that declare something others may use. */
function declarations(text: string): Line[] {
  return linesOf(text).filter((line) => declaration.test(line.text));
}

/** Cuts lines into chunks, none of them blank. */
function cut(lines: readonly Line[], recent: readonly number[], factor: number): Chunk[] {
  const chunks: Chunk[] = [];
  let held: Line[] = [];
  const close = (): void => {
    while (held.length > 0 && held.at(-1)?.text === '') held.pop();
    const [first] = held;
    const last = held.at(-1);
    if (first === undefined || last === undefined) return;
    const text = held.map((line) => line.text).join('\n');
    const end = last.start + last.text.length;
    const isRecent = recent.some((offset) => offset >= first.start && offset <= end);
    chunks.push({ text, names: namesOf(text), factor: isRecent ? factor * recentFactor : factor });
    held = [];
  };
  for (const { text, start } of lines) {
    if (text.length > longestLine) continue;
    const line = { text: text.trimEnd(), start };
    const isBlank = line.text === '';
    if (held.length >= mostLines || (isBlank && held.length >= fewestLines)) close();
    if (held.length > 0 || !isBlank) held.push(line);
  }
  close();
  return chunks;
}
