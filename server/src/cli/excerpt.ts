/** Lines shown above and below what is shown for its own sake. */
const surroundingLines = 8;

/**
 * The text with its holes filled, only the lines near the holes, each fill marked. What is left out shows
 * as one line with "…".
 */
export function excerpts(
  segments: readonly string[],
  fills: readonly string[],
  mark: (text: string) => string,
): string {
  const parts = segments.map((segment, i) => {
    const isFirst = i === 0;
    const isLast = i === segments.length - 1;
    return shorten(segment.replaceAll('\r\n', '\n'), isFirst, isLast);
  });
  return parts.map((part, i) => part + markLines((fills[i] ?? '').replaceAll('\r\n', '\n'), mark)).join('');
}

/** A terminal ends colours at the end of a line in some pagers: each line is marked by itself. */
function markLines(text: string, mark: (text: string) => string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : mark(line)))
    .join('\n');
}

function shorten(text: string, isFirst: boolean, isLast: boolean): string {
  const lines = text.split('\n');
  const head = isFirst ? 0 : surroundingLines + 1;
  const tail = isLast ? 0 : surroundingLines + 1;
  if (lines.length <= head + tail + 1) return text;
  const shown = [...lines.slice(0, head), '…', ...(tail === 0 ? [] : lines.slice(lines.length - tail))];
  return shown.join('\n');
}
