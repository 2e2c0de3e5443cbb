import type { InfillRequest } from './messages';

/** More candidates than this are a mistake and not a wish: each takes a row of every pass. */
const mostCandidates = 256;
const mostSteps = 1024;

/**
 * What is wrong with a request, if anything: which field, what was expected, what came. More tokens than
 * the model's canvas holds are no mistake, they are cut down to it.
 *
 * @param maxCanvas the most tokens one canvas holds.
 */
export function findProblem(request: InfillRequest, maxCanvas: number): string | undefined {
  const { segments, lengths, maxTokens } = request;
  if (segments.length < 2) {
    return `segments: expected at least 2 texts around at least 1 hole, got ${segments.length}`;
  }
  const holes = segments.length - 1;
  return (
    outside('candidates', request.candidates, 1, mostCandidates, true) ??
    outside('temperature', request.temperature, 0, request.mode === 'verify' ? 0 : 100, false) ??
    outside('seed', request.seed, 0, 2 ** 32 - 1, true) ??
    outsideOfEach('maxTokens', maxTokens, holes, 1, Number.MAX_SAFE_INTEGER) ??
    outsideOfEach('lengths', lengths, holes, 0, maxCanvas) ??
    outside('steps', request.steps, 1, mostSteps, true) ??
    outside('turnings', request.turnings, 0, mostCandidates, true) ??
    outside('least', request.least, 0, 1, false) ??
    outside('budgetMs', request.budgetMs, 0, Number.MAX_VALUE, false) ??
    outside('threshold', request.threshold, 0, Number.MAX_VALUE, false) ??
    outside('topP', request.topP, 0, 1, false)
  );
}

/** A number for all holes, or one a hole. */
function outsideOfEach(
  name: string,
  values: number | readonly number[] | undefined,
  holes: number,
  min: number,
  max: number,
): string | undefined {
  if (values === undefined || typeof values === 'number') return outside(name, values, min, max, true);
  if (values.length !== holes) return `${name}: expected ${holes}, one a hole, got ${values.length}`;
  return values
    .map((value, i) => outside(`${name}[${i}]`, value, min, max, true))
    .find((message) => message !== undefined);
}

function outside(
  name: string,
  value: number | undefined,
  min: number,
  max: number,
  whole: boolean,
): string | undefined {
  if (value === undefined) return undefined;
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return undefined;
  return `${name}: expected a ${whole ? 'whole ' : ''}number from ${min} to ${max}, got ${value}`;
}
