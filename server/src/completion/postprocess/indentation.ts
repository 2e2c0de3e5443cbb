import { firstLine, indentationOf, isBlank, lastLine } from '../text';
import type { Filter, FilterContext } from './filter';

/** Columns of a tab, for comparing lines only. */
const TAB_WIDTH = 4;

/**
 * Writes the candidate with the document's own kind of indentation, and ends it where the block of the
 * cursor ends: a line further left belongs to something else. Lines of closing brackets are let through,
 * the bracket filter has taken those that are not needed.
 */
export const indentation: Filter = {
  name: 'indentation',
  apply(text, context) {
    const lines = inStyleOf(documentStyle(context), text.split('\n'));
    let base = baseOf(lines, context.prefix);
    for (let i = 1; i < lines.length; i++) {
      const line = lines[i] ?? '';
      if (isBlank(line)) continue;
      const width = widthOf(indentationOf(line));
      if (width >= base) continue;
      if (!/^[\s)\]};,]+$/.test(line)) return lines.slice(0, i).join('\n');
      base = width;
    }
    return lines.join('\n');
  },
};

type Style = { readonly kind: 'tabs' } | { readonly kind: 'spaces'; readonly width: number };

/** What most indented lines around the cursor start with; `undefined` where none is indented. */
function documentStyle({ prefix, suffix }: FilterContext): Style | undefined {
  let tabs = 0;
  const widths = new Map<number, number>();
  let previous = 0;
  for (const line of `${prefix.slice(-4_000)}\n${suffix.slice(0, 4_000)}`.split('\n')) {
    if (isBlank(line)) continue;
    const indent = indentationOf(line);
    if (indent.startsWith('\t')) tabs++;
    const step = indent.length - previous;
    if (!indent.includes('\t') && step > 1) widths.set(step, (widths.get(step) ?? 0) + 1);
    previous = indent.length;
  }
  const [likeliest] = [...widths].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  if (tabs > (likeliest?.[1] ?? 0)) return { kind: 'tabs' };
  return likeliest === undefined ? undefined : { kind: 'spaces', width: likeliest[0] };
}

/** The first line goes on where the cursor stands, so that only later ones have indentation of their own. */
function inStyleOf(style: Style | undefined, lines: readonly string[]): string[] {
  const [first = '', ...later] = lines;
  if (style?.kind === 'tabs') {
    const unit = unitOf(later);
    return [first, ...later.map((line) => line.replace(/^[ \t]+/, (indent) => toTabs(indent, unit)))];
  }
  const spaces = ' '.repeat(style?.width ?? TAB_WIDTH);
  if (style === undefined) return [...lines];
  return [
    first,
    ...later.map((line) => line.replace(/^[ \t]+/, (indent) => indent.replaceAll('\t', spaces))),
  ];
}

/** The smallest indentation by spaces is taken for one level. */
function unitOf(lines: readonly string[]): number {
  const widths = lines.map((line) => /^ +/.exec(line)?.[0].length ?? 0).filter((width) => width > 1);
  return widths.length === 0 ? TAB_WIDTH : Math.min(...widths, TAB_WIDTH);
}

function toTabs(indent: string, unit: number): string {
  const tabs = indent.replaceAll(' '.repeat(unit), '\t');
  return tabs.includes('\t') ? tabs : indent;
}

/** Columns by which the lines of the cursor's block are indented. */
function baseOf(lines: readonly string[], prefix: string): number {
  const cursorLine = lastLine(prefix) + firstLine(lines[0] ?? '');
  if (!isBlank(cursorLine)) return widthOf(indentationOf(cursorLine));
  const first = lines.slice(1).find((line) => !isBlank(line));
  return widthOf(indentationOf(first ?? ''));
}

function widthOf(indent: string): number {
  let width = 0;
  for (const char of indent) width += char === '\t' ? TAB_WIDTH : 1;
  return width;
}
