import { VOLUME_BINARY } from '../commands/frozen.ts';
import type { CommandHandler } from '../commands/handle.ts';
import { registerService, serviceUuidOf } from '../commands/services.ts';
import { poolAggregate, poolStream } from '../commands/streams.ts';
import type { PoolReport } from '../domain/placement/pool-report.ts';
import { type BackendStats, DriverError, type StorageDriver } from '../drivers/storage/driver.ts';
import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import { type HeldLease, takeLease } from '../ports/held-lease.ts';
import { inTime } from '../ports/in-time.ts';
import { backendHostOf } from './backend.ts';
import { LOOK_COUNTS_MS } from './partitions.ts';
import { serviceName, withLedger } from './pool-reports.ts';
import type { Backends, BackendWorker, OperationsLogger } from './services.ts';

export interface ConfiguredBackend {
  readonly name: string;
  readonly availabilityZone: string;
  readonly driver: StorageDriver;
}

export interface StorageWorkers extends Backends {
  /** Takes the leases and sets the backends up; what cannot be had now is tried again in the background. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Whether operations on this pool are this process's: it holds the backend, and says so often enough that no owner of a
   * partition takes the backend for abandoned.
   */
  owns(pool: string): boolean;
  /** For readiness: backends without a working driver here, and why. */
  notReady(): readonly { readonly backend: string; readonly reason: string }[];
}

interface Held {
  readonly worker: BackendWorker;
  readonly lease: HeldLease;
  /** When it last said that it holds the backend; and from when on everybody has heard it. By the monotonic clock. */
  beatMs: number;
  heardMs: number;
  stats: BackendStats;
  reports: Map<string, PoolReport>;
}

const TRY_AGAIN_MS = 2_000;
/** By then a beat has been heard by everybody whose look at the beats still counts. */
const HEARD_AFTER_MS = LOOK_COUNTS_MS + 1_000;
/** A backend that hangs must keep nobody from being served by another. */
const SET_UP_WITHIN_MS = 30_000;

/**
 * Owns backends: one lease each, whose fencing token every driver call carries; beats for the services API; measures
 * capacity. A lease that cannot be renewed ends every call under way before anybody else may take it.
 */
export function createStorageWorkers(deps: {
  readonly host: string;
  readonly workerId: string;
  readonly backends: readonly ConfiguredBackend[];
  readonly coordination: Coordination;
  readonly handler: CommandHandler;
  readonly clock: Clock;
  readonly reportEveryMs: number;
  /** After how long without a beat other processes take a backend for abandoned; null: there are none. */
  readonly downAfterMs: number | null;
  /** Called when there may be more to drive here. */
  readonly onGained?: () => void;
  readonly logger: OperationsLogger;
}): StorageWorkers {
  const { coordination, handler, clock, logger, workerId, downAfterMs, onGained } = deps;
  const held = new Map<string, Held>();
  const failures = new Map<string, string>();
  const stopping = new AbortController();
  const loops: Promise<void>[] = [];

  const measure = async (
    host: string,
    availabilityZone: string,
    stats: BackendStats,
  ): Promise<Map<string, PoolReport>> => {
    const reports = new Map<string, PoolReport>();
    for (const pool of stats.pools) {
      const address = `${host}#${pool.pool}`;
      const { state } = await handler.load(poolAggregate, poolStream(address));
      const provisioned = state.volumesGiB + state.snapshotsGiB;
      reports.set(address, {
        ...pool,
        pool: address,
        availabilityZone,
        backendName: stats.backendName,
        vendorName: stats.vendorName,
        driverVersion: stats.driverVersion,
        storageProtocol: stats.storageProtocol,
        allocatedCapacityGiB: state.volumesGiB,
        provisionedCapacityGiB: provisioned,
        provisionedAtReportGiB: provisioned,
        volumeCount: state.volumes,
        reportedAt: clock.now(),
      });
    }
    return reports;
  };

  const report = async (host: string, backend: ConfiguredBackend, holding: Held): Promise<void> => {
    // The ledger is read before the backend is measured: a claim in between then counts twice for a moment, never not at all.
    const before = await measure(host, backend.availabilityZone, holding.stats);
    holding.stats = await backend.driver.stats();
    const measured = await measure(host, backend.availabilityZone, holding.stats);
    for (const [pool, figures] of measured) {
      const claimedBefore = before.get(pool)?.provisionedAtReportGiB ?? figures.provisionedAtReportGiB;
      measured.set(pool, { ...figures, provisionedAtReportGiB: claimedBefore });
    }
    holding.reports = measured;
    const beat = { kind: 'storage', host, pools: [...measured.values()] };
    await coordination.beat(serviceName(VOLUME_BINARY, host), clock.now(), beat);
    noteBeat(holding);
  };

  /** After a silence, whoever took the backend for abandoned must have heard the beat before anything is driven here. */
  const noteBeat = (holding: Held): void => {
    const nowMs = clock.monotonicMs();
    if (downAfterMs !== null && nowMs - holding.beatMs > downAfterMs / 2) holding.heardMs = nowMs + HEARD_AFTER_MS;
    holding.beatMs = nowMs;
    onGained?.();
  };

  /** Whether nobody can take the backend for abandoned: it has never been heard of, or a moment ago. */
  const wasHeardOf = async (host: string): Promise<boolean> => {
    if (downAfterMs === null) return true;
    const service = serviceName(VOLUME_BINARY, host);
    const last = (await coordination.heartbeats()).find((heartbeat) => heartbeat.service === service);
    if (last === undefined) return true;
    const ageMs = clock.now() - last.at;
    return ageMs >= 0 && ageMs <= downAfterMs / 2;
  };

  const takeUp = async (host: string, backend: ConfiguredBackend, heldLease: HeldLease): Promise<Held> => {
    const { lease, lost } = heldLease;
    const { driver, availabilityZone } = backend;
    await driver.setUp();
    await driver.takeOver({ fencingToken: lease.token, signal: lost });
    const service = { binary: VOLUME_BINARY, host };
    await registerService(handler, { ...service, availabilityZone }, clock.now());
    const worker: BackendWorker = {
      host,
      driver,
      availabilityZone,
      serviceUuid: serviceUuidOf(service),
      call: (signal) => ({ fencingToken: lease.token, signal: AbortSignal.any([signal, lost]) }),
      report: async (pool) => {
        const last = held.get(host)?.reports.get(pool);
        return last === undefined ? null : withLedger(handler, last);
      },
    };
    const stats = await driver.stats();
    lost.throwIfAborted();
    const beatMs = (await wasHeardOf(host)) ? clock.monotonicMs() : Number.NEGATIVE_INFINITY;
    const reports = await measure(host, availabilityZone, stats);
    return { worker, lease: heldLease, stats, reports, beatMs, heardMs: Number.NEGATIVE_INFINITY };
  };

  /** Reports until the lease is lost; what cannot be measured keeps its last figures. */
  const keepReporting = async (
    host: string,
    backend: ConfiguredBackend,
    holding: Held,
    lost: AbortSignal,
  ): Promise<void> => {
    for (;;) {
      await clock.sleep(deps.reportEveryMs, lost).catch(() => undefined);
      if (lost.aborted) return;
      try {
        await report(host, backend, holding);
        failures.delete(host);
      } catch (error) {
        failures.set(host, messageOf(error));
        logger.warn({ backend: host, err: error }, 'backend cannot be measured');
      }
    }
  };

  /** One attempt to own the backend: the lease that it is used under until that is lost, null where it cannot be had. */
  const attempt = async (host: string, backend: ConfiguredBackend): Promise<HeldLease | null> => {
    const lease = await takeLease({ coordination, clock, holder: workerId, logger }, `backend-${host}`, {
      signal: stopping.signal,
      whyLost: () => new DriverError(`the lease of backend ${host} was lost`, { fenced: true }),
    });
    if (lease === null) {
      // Beside other processes this one stands by.
      if (downAfterMs === null) failures.set(host, 'another worker holds the lease');
      return null;
    }
    // before anybody waits for the lease to be over: a backend that is lost is not used any more
    lease.lost.addEventListener('abort', () => held.delete(host), { once: true });
    try {
      const holding = await inTime(clock, takeUp(host, backend, lease), SET_UP_WITHIN_MS);
      if (holding === 'late') throw new Error(`it has not answered within ${SET_UP_WITHIN_MS} ms`);
      if (holding instanceof Error) throw holding;
      held.set(host, holding);
      await report(host, backend, holding);
      lease.lost.throwIfAborted();
      failures.delete(host);
      logger.info({ backend: host, fencingToken: String(lease.lease.token) }, 'backend taken up');
      void keepReporting(host, backend, holding, lease.lost);
      return lease;
    } catch (error) {
      failures.set(host, messageOf(error));
      logger.error({ backend: host, err: error }, 'backend cannot be set up, trying again');
      await lease.release();
      held.delete(host);
      return null;
    }
  };

  const keepTrying = async (
    host: string,
    backend: ConfiguredBackend,
    first: Awaited<ReturnType<typeof attempt>>,
  ): Promise<void> => {
    let holding = first;
    while (!stopping.signal.aborted) {
      if (holding !== null) await holding.over;
      if (stopping.signal.aborted) return;
      await clock.sleep(TRY_AGAIN_MS, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      holding = await attempt(host, backend).catch(() => null);
    }
  };

  /** By its own clock, so that a process that was paused does not use a backend that is another's by now. */
  const holdingOf = (pool: string): Held | null => {
    const holding = held.get(backendHostOf(pool));
    return holding?.lease.isHeld() ? holding : null;
  };

  return {
    forPool: (pool) => holdingOf(pool)?.worker ?? null,
    owns: (pool) => {
      const holding = holdingOf(pool);
      if (holding === null) return false;
      const nowMs = clock.monotonicMs();
      return nowMs >= holding.heardMs && nowMs - holding.beatMs <= (downAfterMs ?? Number.POSITIVE_INFINITY) / 2;
    },
    start: async () => {
      for (const backend of deps.backends) {
        const host = `${deps.host}@${backend.name}`;
        const first = await attempt(host, backend);
        loops.push(keepTrying(host, backend, first));
      }
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(loops);
    },
    notReady: () => [...failures].map(([backend, reason]) => ({ backend, reason })),
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
