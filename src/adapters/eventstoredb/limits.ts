/**
 * Own time limits around the client's calls: it enforces no deadline on batch appends and reads, and notices a server
 * that hangs by keep-alive only.
 */
export interface Limits {
  /** One attempt to append; then the client is replaced. */
  readonly appendAttemptMs: number;
  /** All attempts of one append together: a new leader may take as long. */
  readonly appendPatienceMs: number;
  /** Between two events of a read. */
  readonly readIdleMs: number;
  /** Reading without any progress. */
  readonly readPatienceMs: number;
  /** Until a subscription is confirmed. */
  readonly confirmationMs: number;
  readonly firstRetryMs: number;
  readonly appendRetryMs: number;
  /** Between two attempts of a subscription, which goes on for ever. */
  readonly longestRetryMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  appendAttemptMs: 15_000,
  appendPatienceMs: 20_000,
  readIdleMs: 10_000,
  readPatienceMs: 12_000,
  confirmationMs: 8_000,
  firstRetryMs: 50,
  appendRetryMs: 200,
  longestRetryMs: 5_000,
};

/** Milliseconds before the next attempt, at least half of what doubling gives, so that clients do not come in step. */
export function backOffMs(attempt: number, firstMs: number, longestMs: number): number {
  const ms = Math.min(firstMs * 2 ** Math.min(attempt - 1, 16), longestMs);
  return ms * (0.5 + Math.random() / 2);
}
