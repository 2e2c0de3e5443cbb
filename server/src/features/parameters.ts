import type { ProtocolPosition, ProtocolRange, VersionedDocument } from '../protocol';

/**
 * Custom requests may come from any editor, so that their parameters are looked at before they are
 * believed. Each function gives the value or a sentence on what was expected and what came.
 */
export type Parsed<T> =
  { readonly kind: 'value'; readonly value: T } | { readonly kind: 'wrong'; readonly reason: string };

export function parseDocument(value: unknown): Parsed<VersionedDocument> {
  const { uri, version } = record(value);
  if (typeof uri !== 'string') return wrong('textDocument.uri', 'a string', uri);
  if (typeof version !== 'number') return wrong('textDocument.version', 'a number', version);
  return { kind: 'value', value: { uri, version } };
}

export function parseRange(name: string, value: unknown): Parsed<ProtocolRange> {
  const { start, end } = record(value);
  if (!isPosition(start)) return wrong(`${name}.start`, 'a position {line, character}', start);
  if (!isPosition(end)) return wrong(`${name}.end`, 'a position {line, character}', end);
  return { kind: 'value', value: { start, end } };
}

/** `undefined` where the value is absent. */
export function parseRanges(name: string, value: unknown): Parsed<readonly ProtocolRange[] | undefined> {
  if (value === undefined || value === null) return { kind: 'value', value: undefined };
  if (!Array.isArray(value)) return wrong(name, 'an array of ranges', value);
  const ranges: ProtocolRange[] = [];
  for (const [i, item] of value.entries()) {
    const range = parseRange(`${name}[${i}]`, item);
    if (range.kind === 'wrong') return range;
    ranges.push(range.value);
  }
  return { kind: 'value', value: ranges };
}

/** A whole number between the limits, both included; the default where the value is absent. */
export function parseCount(
  name: string,
  value: unknown,
  limits: { readonly minimum: number; readonly maximum: number; readonly fallback: number },
): Parsed<number> {
  if (value === undefined || value === null) return { kind: 'value', value: limits.fallback };
  const { minimum, maximum } = limits;
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) {
    return { kind: 'value', value };
  }
  return wrong(name, `a whole number from ${minimum} to ${maximum}`, value);
}

/** A number between the limits, both included; the default where the value is absent. */
export function parseNumber(
  name: string,
  value: unknown,
  limits: { readonly minimum: number; readonly maximum: number; readonly fallback: number },
): Parsed<number> {
  if (value === undefined || value === null) return { kind: 'value', value: limits.fallback };
  const { minimum, maximum } = limits;
  if (typeof value === 'number' && value >= minimum && value <= maximum) return { kind: 'value', value };
  return wrong(name, `a number from ${minimum} to ${maximum}`, value);
}

function isPosition(value: unknown): value is ProtocolPosition {
  const { line, character } = record(value);
  return isNatural(line) && isNatural(character);
}

function isNatural(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function wrong(name: string, expected: string, came: unknown): Parsed<never> {
  const shown = came === undefined ? 'nothing' : JSON.stringify(came);
  const cut = shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
  return { kind: 'wrong', reason: `${name}: expected ${expected}, got ${cut}.` };
}
