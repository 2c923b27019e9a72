import type { Instant } from '../domain/kernel/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { OperationsLogger } from './services.ts';

/** A charge whose request may never have landed: the process may have died between the two appends. */
export interface WatchedCharge {
  readonly operationId: string;
  readonly projectId: string;
  /** Stream that the request lands in. */
  readonly landsIn: string;
  /** When it was recorded, by the wall clock: patience does not begin anew with each process. */
  readonly chargedAt: Instant;
}

export interface OrphanWatch {
  /** A charge was seen in the log; its request is expected to follow. */
  charged(charge: WatchedCharge): void;
  /** The request of this operation was seen that this project was charged for, or its charge has ended. */
  landed(operationId: string, projectId: string): void;
  open(): readonly WatchedCharge[];
  stop(): Promise<void>;
}

/** One request may charge two projects: sent again, it may find that the volume has changed hands. */
const keyOf = (operationId: string, projectId: string): string => `${operationId} ${projectId}`;

/** How long a request may be behind its charge, in ms: both are sent by one process, one right after the other. */
const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
/** Where the operation of a charge has to end before anything can be said of it. */
const LOOK_AGAIN_MS = 2_000;

/**
 * Watches charges until their request lands. What has not landed in time is lapsed: first the request is made
 * impossible in the stream where it would land, then the charge is returned (DESIGN: ledgers). What landed before it was
 * charged, by another sending of the request, is returned once its operation has ended.
 */
export function watchOrphans(deps: {
  readonly clock: Clock;
  /** False: it is too early to say. */
  readonly lapse: (charge: WatchedCharge) => Promise<boolean>;
  readonly logger: OperationsLogger;
  /** Whether it is this process that settles doubts; every process knows of them. Without it, it is. */
  readonly isActive?: () => boolean;
}): OrphanWatch {
  const { clock, lapse, logger, isActive = () => true } = deps;
  const waiting = new Map<string, { charge: WatchedCharge; dueMs: number }>();
  const stopping = new AbortController();

  const look = async (): Promise<void> => {
    for (const [key, watched] of waiting) {
      if (watched.dueMs > clock.monotonicMs() || !isActive()) continue;
      try {
        const isSettled = await lapse(watched.charge);
        // Meanwhile it may have been given back and taken again: that one is another charge.
        if (isSettled && waiting.get(key) === watched) waiting.delete(key);
        if (!isSettled) watched.dueMs = clock.monotonicMs() + LOOK_AGAIN_MS;
      } catch (error) {
        logger.warn(
          { operationId: watched.charge.operationId, err: error },
          'charge cannot be checked now, trying again',
        );
      }
    }
  };

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, stopping.signal).catch(() => undefined);
      if (!stopping.signal.aborted) await look();
    }
  })();

  return {
    charged: (charge) => {
      const age = Math.max(0, clock.now() - charge.chargedAt);
      waiting.set(keyOf(charge.operationId, charge.projectId), {
        charge,
        dueMs: clock.monotonicMs() + Math.max(0, PATIENCE_MS - age),
      });
    },
    landed: (operationId, projectId) => waiting.delete(keyOf(operationId, projectId)),
    open: () => [...waiting.values()].map(({ charge }) => charge),
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}
