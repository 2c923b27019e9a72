import type { Clock } from './clock.ts';
import type { Coordination, Lease } from './coordination.ts';
import { inTime } from './in-time.ts';

/** A lease that this process holds and renews by itself until it is lost or released. */
export interface HeldLease {
  readonly lease: Lease;
  /**
   * Whether it is surely still held: false from a while before any challenger may take it, by this process's own
   * monotonic clock. Asks nobody, so that it also says so to a process that was paused and goes on.
   */
  isHeld(): boolean;
  /** Aborts when the lease is lost, or was released; `over` resolves then. */
  readonly lost: AbortSignal;
  readonly over: Promise<void>;
  /** Stops renewing and frees it, so that another may have it at once. Never rejects. */
  release(): Promise<void>;
}

export interface LeaseHolding {
  readonly coordination: Pick<Coordination, 'acquire' | 'renew' | 'release'>;
  readonly clock: Clock;
  /** Name of this process among the holders. */
  readonly holder: string;
  readonly logger: { warn(fields: object, message: string): void };
}

export const LEASE_TERM_MS = 15_000;
const RENEW_AGAIN_MS = 1_000;

/**
 * Takes a lease if it can be had now, and renews it every third of its term. One that may not be renewed in time is
 * given up a third of the term before a challenger may take it (DESIGN section 4: clocks lie).
 */
export async function takeLease(
  { coordination, clock, holder, logger }: LeaseHolding,
  resource: string,
  options: {
    readonly termMs?: number;
    readonly whyLost?: () => unknown;
    /** Gives it up as `release` does. */
    readonly signal?: AbortSignal;
  } = {},
): Promise<HeldLease | null> {
  const { termMs = LEASE_TERM_MS, whyLost = () => new Error(`lease of ${resource} was lost`) } = options;
  const renewEveryMs = termMs / 3;
  const askedMs = clock.monotonicMs();
  const lease = await coordination.acquire(resource, holder, termMs);
  if (lease === null) return null;

  const lost = new AbortController();
  const released = new AbortController();
  const ending = options.signal === undefined ? released.signal : AbortSignal.any([released.signal, options.signal]);
  let heldUntilMs = askedMs + termMs - renewEveryMs;

  const keep = async (): Promise<void> => {
    let pauseMs = renewEveryMs;
    while (!ending.aborted) {
      await clock.sleep(pauseMs, ending).catch(() => undefined);
      const sentMs = clock.monotonicMs();
      if (ending.aborted || sentMs >= heldUntilMs) return;
      const answer = await inTime(clock, coordination.renew(lease), heldUntilMs - sentMs);
      if (answer === 'late' || answer === false) return;
      pauseMs = answer === true ? renewEveryMs : RENEW_AGAIN_MS;
      if (answer === true) heldUntilMs = sentMs + termMs - renewEveryMs;
      else logger.warn({ resource, err: answer }, 'lease cannot be renewed now');
    }
  };

  const over = keep().then(async () => {
    // Neither success nor failure of what it was held for is this process's to record any more.
    lost.abort(whyLost());
    await coordination.release(lease).catch(() => undefined);
  });

  return {
    lease,
    isHeld: () => !lost.signal.aborted && !ending.aborted && clock.monotonicMs() < heldUntilMs,
    lost: lost.signal,
    over,
    release: async () => {
      released.abort();
      await over;
    },
  };
}
