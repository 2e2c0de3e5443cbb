import { type CompletionCandidate, withText } from '../outcome';
import { closingBrackets } from './closingBrackets';
import { closingQuote } from './closingQuote';
import { duplicateSuffix } from './duplicateSuffix';
import type { Filter, FilterContext } from './filter';
import { indentation } from './indentation';
import { repetition } from './repetition';
import { singleLine } from './singleLine';
import { specialCharacters } from './specialCharacters';
import { whitespace } from './whitespace';

export type { Filter, FilterContext } from './filter';

/** In the order they are applied: first what is broken, then what is too much, white space last. */
export const FILTERS: readonly Filter[] = [
  specialCharacters,
  singleLine,
  repetition,
  duplicateSuffix,
  closingQuote,
  closingBrackets,
  indentation,
  whitespace,
];

export interface Postprocessed<T> {
  readonly candidates: readonly T[];
  /** The filters that changed or dropped a candidate, in the order of the filters. */
  readonly filters: readonly string[];
}

/** Applies all filters to all candidates; of equal texts only the first stays. */
export function postprocess<T extends Pick<CompletionCandidate, 'text' | 'uncertain'>>(
  candidates: readonly T[],
  context: FilterContext,
  filters: readonly Filter[] = FILTERS,
): Postprocessed<T> {
  const active = new Set<string>();
  const kept = new Map<string, T>();
  for (const candidate of candidates) {
    const text = applyAll(candidate.text, context, filters, active);
    if (text === undefined) continue;
    if (kept.has(text)) active.add('duplicates');
    else kept.set(text, withText(candidate, text));
  }
  return {
    candidates: [...kept.values()],
    filters: [...filters.map((filter) => filter.name), 'duplicates'].filter((name) => active.has(name)),
  };
}

function applyAll(
  original: string,
  context: FilterContext,
  filters: readonly Filter[],
  active: Set<string>,
): string | undefined {
  let text = original;
  for (const filter of filters) {
    const result = filter.apply(text, context);
    if (result !== text) active.add(filter.name);
    if (result === undefined) return undefined;
    text = result;
  }
  return text;
}
