import { missingCommand, type CheckResult } from './childProcess';

/** What the model has to say when it is asked for other texts; it may have none. */
export type Answer =
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'cancelled' };

export interface SearchParts {
  /** How many candidates are tried at most. */
  readonly total: number;
  /** What stands there now. */
  readonly original: string;
  /** Asks the model. @param round from 0; another round gives other texts */
  readonly ask: (count: number, round: number) => Promise<Answer>;
  /** Runs the check with a text in place of the selection. */
  readonly check: (text: string) => Promise<CheckResult>;
  /** Called before each check, with the number of the candidate from 1. */
  readonly onTry: (number: number) => void;
}

export type SearchOutcome =
  | {
      readonly kind: 'passed';
      readonly text: string;
      /** Which candidate it was, from 1. */
      readonly number: number;
      readonly ms: number;
      /** Whether the check fails on nonsense: one that does not says nothing about the candidate. */
      readonly isTelling: boolean;
    }
  /** `last` is how the last check ended. */
  | { readonly kind: 'nonePassed'; readonly tried: number; readonly last: FailedCheck }
  /** Nothing can be tried, now or later. */
  | { readonly kind: 'stopped'; readonly by: 'model' | 'check'; readonly reason: string }
  | { readonly kind: 'cancelled' };

type FailedCheck = Extract<CheckResult, { kind: 'failed' }>;

/** Candidates are asked for in batches: the first may do, and a batch is cheaper than one at a time. */
const BATCH = 4;

/** After so many rounds in a row without a new text the model has no more to say. */
const MOST_BARREN_ROUNDS = 3;

/** A syntax error in every language that has a syntax. */
export const NONSENSE = '\n)]}> "\' \u27e7 not code\n';

/** Tries candidates, each once, until one passes the check. */
export async function findPassing({
  total,
  original,
  ask,
  check,
  onTry,
}: SearchParts): Promise<SearchOutcome> {
  const tried = new Set<string>();
  let last: FailedCheck | undefined;
  let isThere = false;
  for (let round = 0, barren = 0; tried.size < total && barren < MOST_BARREN_ROUNDS; round++) {
    const answer = await ask(Math.min(BATCH, total - tried.size), round);
    if (answer.kind === 'cancelled') return answer;
    if (answer.kind === 'failed') return { kind: 'stopped', by: 'model', reason: answer.reason };
    const fresh = answer.texts.filter((text) => !tried.has(text));
    barren = fresh.length === 0 ? barren + 1 : 0;
    for (const text of fresh) {
      tried.add(text);
      onTry(tried.size);
      const result = await check(text);
      switch (result.kind) {
        case 'cancelled':
          return result;
        case 'unusable':
          return { kind: 'stopped', by: 'check', reason: result.reason };
        case 'failed':
          last = result;
          if (!isThere && missingCommand(result) !== undefined) {
            // Either the check is missing, or something that the candidate calls.
            const control = await check(original);
            if (control.kind === 'cancelled') return control;
            const reason = missingCommand(control);
            if (reason !== undefined) return { kind: 'stopped', by: 'check', reason };
            isThere = true;
          }
          break;
        case 'passed': {
          const control = await check(NONSENSE);
          if (control.kind === 'cancelled') return control;
          const isTelling = control.kind !== 'passed';
          return { kind: 'passed', text, number: tried.size, ms: result.ms, isTelling };
        }
      }
    }
  }
  if (last !== undefined) return { kind: 'nonePassed', tried: tried.size, last };
  return { kind: 'stopped', by: 'model', reason: 'The model has no other text for this place.' };
}
