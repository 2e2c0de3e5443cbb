import type { CancellationToken } from '../base/cancellation';
import type { InfillOutcome, InfillProgress, InfillRequest } from '../inference/messages';

/**
 * What completion needs from a model: holes in, candidates out. Never rejects: cancellation and failure
 * are outcomes.
 */
export interface Infiller {
  /** @param onProgress hears of the passes while they run, a few times a second; not after the outcome. */
  infill(
    request: InfillRequest,
    cancellation: CancellationToken,
    onProgress?: (progress: InfillProgress) => void,
  ): Promise<InfillOutcome>;
}
