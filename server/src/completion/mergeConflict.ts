/**
 * Whether the offset lies inside an unresolved merge conflict: between a line that starts with
 * `<<<<<<<` and the end of the next one that starts with `>>>>>>>`. Nothing is offered there, because
 * the text around is two versions at once.
 */
export function isInsideMergeConflict(text: string, offset: number): boolean {
  const opened = lastMarkerBefore(text, '<<<<<<<', offset);
  if (opened === -1) return false;
  const closed = lastMarkerBefore(text, '>>>>>>>', offset);
  if (closed > opened) {
    // On the closing line itself one is still inside.
    const lineEnd = text.indexOf('\n', closed);
    return lineEnd === -1 || offset <= lineEnd;
  }
  return nextMarker(text, '>>>>>>>', offset) !== -1;
}

/** The start of the last line at or before `offset` that begins with the marker; -1 for none. */
function lastMarkerBefore(text: string, marker: string, offset: number): number {
  const at = text.lastIndexOf(`\n${marker}`, offset - 1);
  if (at !== -1) return at + 1;
  return text.startsWith(marker) ? 0 : -1;
}

function nextMarker(text: string, marker: string, offset: number): number {
  // The cursor may stand at the start of the very line, so that its line break is searched too.
  return text.indexOf(`\n${marker}`, Math.max(0, offset - 1));
}
