type Cell = string | number | null;

/** Rows under their headers, right-aligned; null shows as a dash. */
export function table(title: string, headers: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [headers, ...rows.map((row) => row.map((cell) => String(cell ?? '–')))];
  const widths = headers.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) => line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
  return [title, ...text.map((line) => `  ${line}`)].join('\n');
}

/** A share of 1 as per cent. */
export function percent(share: number | null): string | null {
  return share === null ? null : `${(share * 100).toFixed(0)} %`;
}
