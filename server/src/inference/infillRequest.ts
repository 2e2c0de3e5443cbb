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
  const { segments, lengths } = request;
  if (segments.length < 2) {
    return `segments: expected at least 2 texts around at least 1 hole, got ${segments.length}`;
  }
  const holes = segments.length - 1;
  const problem =
    outside('candidates', request.candidates, 1, mostCandidates, true) ??
    outside('temperature', request.temperature, 0, 100, false) ??
    outside('seed', request.seed, 0, 2 ** 32 - 1, true) ??
    outside('maxTokens', request.maxTokens, 1, Number.MAX_SAFE_INTEGER, true) ??
    outside('steps', request.steps, 1, mostSteps, true) ??
    outside('threshold', request.threshold, 0, Number.MAX_VALUE, false) ??
    outside('topP', request.topP, 0, 1, false);
  if (problem !== undefined || lengths === undefined) return problem;
  if (lengths.length !== holes) return `lengths: expected ${holes}, one a hole, got ${lengths.length}`;
  return lengths
    .map((length, i) => outside(`lengths[${i}]`, length, 0, maxCanvas, true))
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
