import { hash } from 'node:crypto';
import { VOLUME_BINARY } from '../commands/frozen.ts';
import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import { type HeldLease, takeLease } from '../ports/held-lease.ts';
import { createBeatWatch } from './beats.ts';
import { serviceName } from './pool-reports.ts';
import type { OperationsLogger } from './services.ts';

/** Fixed for ever, or two processes would disagree about whose an operation is. */
export const PARTITIONS = 16;
/** Who holds this one keeps what is one for all: feed checkpoint, unfinished work, orphaned charges. */
export const FIRST_PARTITION = 0;

/** All operations of one volume are in one partition, so that one process sees to the order they are begun in. */
export const partitionOf = (volumeId: string): number =>
  Number.parseInt(hash('sha1', volumeId, 'hex').slice(0, 8), 16) % PARTITIONS;

/** The partitions of operations that this process holds. */
export interface Partitions {
  /** Takes what nobody has; more comes, and what is too much goes, in the background. */
  start(): Promise<void>;
  /** Gives everything back at once. */
  stop(): Promise<void>;
  /** Whether steps of this volume's operations are begun here. */
  drives(volumeId: string): boolean;
  /** The same, and while the partition is being handed over. */
  holds(volumeId: string): boolean;
  holdsFirst(): boolean;
  /** Whether nobody has been seen to hold this backend for longer than a service may be silent. */
  isAbandoned(host: string): boolean;
  held(): readonly number[];
}

const TERM_MS = 9_000;
const BEAT_MS = 1_500;
/** One that has not beaten for so long may be gone: its leases are tried. */
const SILENT_MS = 4_500;
/** Beats of one that is gone are forgotten after this. */
const FORGET_MS = 60_000;
/** What was seen of the backends counts for so long, else nothing is known of them. */
export const LOOK_COUNTS_MS = 5_000;
const HAND_OVER_MS = 5_000;
const HAND_OVER_POLL_MS = 50;

const WORKER_PREFIX = 'operations-';

/**
 * Shares the partitions among the processes that beat: each takes up to its share of what it can get, and gives up what
 * is above that when others come. One that dies is silent, then its leases run out; one that stops gives them back.
 */
export function createPartitions(deps: {
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly workerId: string;
  readonly logger: OperationsLogger;
  /** A backend without a beat for this long is held by nobody. */
  readonly downAfterMs: number;
  /** Whether operations of a partition are being driven here: it is given up between two steps. */
  readonly isBusy: (partition: number) => boolean;
  /** Called when there may be more to drive here. */
  readonly onGained: () => void;
}): Partitions {
  const { coordination, clock, workerId, logger, downAfterMs, isBusy, onGained } = deps;
  const self = `${WORKER_PREFIX}${workerId}`;
  const leases = new Map<number, HeldLease>();
  const leaving = new Set<number>();
  const watch = createBeatWatch();
  const stopping = new AbortController();
  let firstLookMs = Number.POSITIVE_INFINITY;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let loop: Promise<unknown> = Promise.resolve();

  const isHeld = (partition: number): boolean => leases.get(partition)?.isHeld() ?? false;

  const held = (): readonly number[] => [...leases.keys()].filter((partition) => isHeld(partition));

  const look = async (): Promise<void> => {
    const askedMs = clock.monotonicMs();
    watch.observe(await coordination.heartbeats(), askedMs);
    lookedMs = askedMs;
    firstLookMs = Math.min(firstLookMs, askedMs);
  };

  /** The workers that beat, this one among them, and what the others say that they hold. */
  const others = (): { readonly live: number; readonly theirs: ReadonlySet<number> } => {
    const nowMs = clock.monotonicMs();
    const theirs = new Set<number>();
    let live = 1;
    for (const service of watch.services()) {
      if (!service.startsWith(WORKER_PREFIX) || service === self) continue;
      if ((watch.silentForMs(service, nowMs) ?? 0) >= SILENT_MS) continue;
      live += 1;
      const holds = watch.reportOf(service)?.holds;
      if (Array.isArray(holds)) for (const partition of holds) theirs.add(Number(partition));
    }
    return { live, theirs };
  };

  const take = async (partition: number): Promise<void> => {
    const lease = await takeLease({ coordination, clock, holder: workerId, logger }, `operations-${partition}`, {
      termMs: TERM_MS,
      signal: stopping.signal,
    });
    if (lease === null) return;
    leases.set(partition, lease);
    void lease.over.then(() => {
      if (leases.get(partition) === lease) leases.delete(partition);
    });
    logger.info({ partition }, 'operations partition taken');
    onGained();
  };

  /** Nothing new is begun, and what runs comes to a step's end; then another may have it. */
  const handOver = async (partition: number): Promise<void> => {
    const lease = leases.get(partition);
    if (lease === undefined || leaving.has(partition)) return;
    leaving.add(partition);
    const deadline = clock.monotonicMs() + HAND_OVER_MS;
    while (isBusy(partition) && clock.monotonicMs() < deadline && !stopping.signal.aborted)
      await clock.sleep(HAND_OVER_POLL_MS, stopping.signal).catch(() => undefined);
    await lease.release();
    if (leases.get(partition) === lease) leases.delete(partition);
    leaving.delete(partition);
    logger.info({ partition }, 'operations partition handed over');
  };

  const forgetGone = async (): Promise<void> => {
    const nowMs = clock.monotonicMs();
    for (const service of watch.services()) {
      if (!service.startsWith(WORKER_PREFIX) || service === self) continue;
      if ((watch.silentForMs(service, nowMs) ?? 0) >= FORGET_MS) await coordination.forget(service);
    }
  };

  const beat = (): Promise<void> =>
    coordination.beat(self, clock.now(), { kind: 'operations', worker: workerId, holds: held() });

  const turn = async (): Promise<void> => {
    await look();
    const { live, theirs } = others();
    const share = Math.ceil(PARTITIONS / live);
    const mine = held().filter((partition) => !leaving.has(partition));
    // The first partition is given up last: with it goes what is one for all.
    for (const partition of mine.toSorted((one, other) => one - other).slice(share)) void handOver(partition);
    let count = mine.length;
    for (let partition = 0; partition < PARTITIONS && count < share && !stopping.signal.aborted; partition += 1) {
      if (leases.has(partition) || theirs.has(partition)) continue;
      await take(partition);
      if (isHeld(partition)) count += 1;
    }
    await beat();
    if (isHeld(FIRST_PARTITION)) await forgetGone();
    // A backend that nobody holds any more is found out by looking: nothing tells it.
    onGained();
  };

  const keepTurning = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(BEAT_MS, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await turn().catch((error) => logger.warn({ err: error }, 'operations partitions cannot be shared out now'));
    }
  };

  return {
    start: async () => {
      await beat()
        .then(turn)
        .catch((error) => logger.warn({ err: error }, 'operations partitions cannot be had yet'));
      loop = keepTurning();
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([...leases.values()].map((lease) => lease.over));
      await loop;
      // taken while it was being stopped
      await Promise.all([...leases.values()].map((lease) => lease.release()));
      await coordination.forget(self).catch(() => undefined);
    },
    drives: (volumeId) => {
      const partition = partitionOf(volumeId);
      return isHeld(partition) && !leaving.has(partition);
    },
    holds: (volumeId) => isHeld(partitionOf(volumeId)),
    holdsFirst: () => isHeld(FIRST_PARTITION),
    isAbandoned: (host) => {
      const nowMs = clock.monotonicMs();
      if (nowMs - lookedMs > LOOK_COUNTS_MS) return false;
      const silentMs = watch.silentForMs(serviceName(VOLUME_BINARY, host), nowMs) ?? nowMs - firstLookMs;
      return silentMs > downAfterMs;
    },
    held,
  };
}
