import type { Instant } from '../domain/kernel/units.ts';

/** Time as the rest of the code sees it, so that tests and simulation own it. */
export interface Clock {
  /** Wall time: for what is recorded and for scheduling back-off, never for measuring. */
  now(): Instant;
  /** Monotonic milliseconds: for deadlines and leases. */
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
