import type { CancellationToken } from '../base/cancellation';
import type { InfillOutcome, InfillRequest } from '../inference/messages';

/**
 * What completion needs from a model: holes in, candidates out. Never rejects: cancellation and failure
 * are outcomes.
 */
export interface Infiller {
  infill(request: InfillRequest, cancellation: CancellationToken): Promise<InfillOutcome>;
}
