/** One masked position with the token proposed for it. */
export interface Proposal {
  /** Index in the row; ascending in the list. */
  readonly column: number;
  readonly token: number;
  /** Probability of the token at temperature 1, 0 to 1. */
  readonly confidence: number;
}

/**
 * Decides which proposals become tokens: everything at least as sure as the threshold, and enough of the
 * rest that the last pass leaves no mask behind.
 */
export class DenoisingSchedule {
  /**
   * @param passes how many passes there are in all, at least 1.
   * @param threshold confidence, 0 to 1; above 1 nothing is decided early.
   */
  constructor(
    readonly passes: number,
    readonly threshold: number,
  ) {}

  /**
   * @param pass 0 for the first.
   * @returns the proposals to write, in order of column.
   */
  select(proposals: readonly Proposal[], pass: number): Proposal[] {
    const remaining = Math.max(1, this.passes - pass);
    const quota = Math.ceil(proposals.length / remaining);
    // A stable sort of a list in order of column: ties go to the lower position.
    const surest = [...proposals].sort((a, b) => b.confidence - a.confidence).slice(0, quota);
    const chosen = new Set(surest);
    return proposals.filter((proposal) => chosen.has(proposal) || proposal.confidence >= this.threshold);
  }
}
