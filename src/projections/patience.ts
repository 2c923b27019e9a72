import type { Clock } from '../ports/clock.ts';
import { StoreUnavailable } from '../ports/event-store.ts';
import { CheckpointMoved } from '../ports/read-store.ts';

const FIRST_RETRY_MS = 20;
const MAX_RETRY_MS = 5_000;
/** An error that is no store's absence may be a passing one; past this it is ours. */
const MAX_ATTEMPTS = 5;

export interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onRetry: (error: unknown, attempt: number) => void;
}

/**
 * Does it again, with back-off: for ever while a store is not available, a few times for anything else. A moved
 * checkpoint is never tried again: somebody else writes there. `work` is told which attempt it is, from 1.
 */
export async function patiently<T>(patience: Patience, work: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      const last =
        error instanceof CheckpointMoved || (attempt >= MAX_ATTEMPTS && !(error instanceof StoreUnavailable));
      if (last || patience.signal.aborted) throw error;
      patience.onRetry(error, attempt);
      await patience.clock.sleep(Math.min(FIRST_RETRY_MS * 2 ** attempt, MAX_RETRY_MS), patience.signal);
    }
  }
}
