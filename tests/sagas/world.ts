import { type CommandHandler, createCommandHandler } from '../../src/commands/handle.ts';
import { createLapse } from '../../src/commands/lapse.ts';
import { createOperationCommands, operationStream } from '../../src/commands/operations.ts';
import { poolStream, quotaStream, volumeStream } from '../../src/commands/streams.ts';
import { hasEnded, type Operation, type OperationEvent, operationDecider } from '../../src/domain/operation/index.ts';
import { parsePlacementOptions } from '../../src/domain/placement/index.ts';
import type { PoolReport } from '../../src/domain/placement/pool-report.ts';
import { type PoolLedger, poolDecider } from '../../src/domain/pool/index.ts';
import { type Amounts, type QuotaLedger, quotaDecider } from '../../src/domain/quota/index.ts';
import { volumeDecider } from '../../src/domain/volume/index.ts';
import type { LiveVolume } from '../../src/domain/volume/state.ts';
import { DriverError } from '../../src/drivers/storage/driver.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { backendHostOf } from '../../src/sagas/backend.ts';
import { operationDefinitions } from '../../src/sagas/definitions.ts';
import { createOperationsFeed, type OperationsFeed } from '../../src/sagas/feed.ts';
import { watchOrphans } from '../../src/sagas/lapse-orphans.ts';
import type { OperationDefinition } from '../../src/sagas/operation.ts';
import { createPlacement } from '../../src/sagas/place.ts';
import { withLedger } from '../../src/sagas/pool-reports.ts';
import { createOperationRunner, type OperationRunner } from '../../src/sagas/runner.ts';
import type { Backends } from '../../src/sagas/services.ts';
import { createMemoryEventStore } from '../commands/memory-event-store.ts';
import { asAdmin, asUser, worldOn } from '../commands/world.ts';
import { poolReport } from '../domain/placement/pools.ts';
import { createMemoryCoordination } from './memory-coordination.ts';
import { requestsOn } from './requests.ts';
import { createScriptedDriver } from './scripted-driver.ts';
import { createTestClock } from './test-clock.ts';
import { timelineOf } from './timeline.ts';

export const POOL_A = 'node@a#one';
export const POOL_B = 'node@b#two';

export interface SagaWorldOptions {
  /** Capacity in GiB by pool. */
  readonly pools?: Readonly<Record<string, number>>;
  readonly placement?: object;
  readonly limits?: Amounts;
  readonly definitions?: readonly OperationDefinition[];
  /** What the operations' process sees of the log. */
  readonly eventStore?: (store: EventStore) => EventStore;
}

/** One process that carries operations out. */
interface OperationsProcess {
  readonly handler: CommandHandler;
  readonly runner: OperationRunner;
  readonly feed: OperationsFeed;
  stop(): Promise<void>;
}

export type SagaWorld = Awaited<ReturnType<typeof startWorld>>;

/**
 * Clients and operations on one log: the real commands, runner, feed and ledgers, over a backend whose calls come out as
 * a test wants, and a clock that jumps to the next thing to do.
 */
export async function startWorld(options: SagaWorldOptions = {}) {
  const { pools = { [POOL_A]: 100 } } = options;
  const clock = createTestClock();
  const store = createMemoryEventStore(() => clock.now());
  const coordination = createMemoryCoordination();
  const driver = createScriptedDriver();
  const services = new Set(['node@a', ...Object.keys(pools).map(backendHostOf)]);
  const clients = worldOn(store, {
    limits: options.limits ?? {},
    services: [...services].map((host) => ({ host, availabilityZone: 'nova' })),
  });
  await clients.types.ensureDefault(asUser('system', clients.deps.ids.newId()));
  const warnings: string[] = [];
  const down = new Set<string>();
  let lease = new AbortController();
  let processes = 0;
  let current: OperationsProcess | null = null;

  const reportOf = (pool: string): PoolReport => {
    const capacity = pools[pool] ?? 0;
    return poolReport({ pool, totalCapacityGiB: capacity, freeCapacityGiB: capacity });
  };

  const backendsFor = (handler: CommandHandler): Backends => ({
    forPool: (pool) => {
      const host = backendHostOf(pool);
      if (down.has(host) || pools[pool] === undefined) return null;
      return {
        host,
        driver,
        serviceUuid: `service-of-${host}`,
        availabilityZone: 'nova',
        call: (signal) => ({ fencingToken: 1n, signal: AbortSignal.any([signal, lease.signal]) }),
        report: (of) => withLedger(handler, reportOf(of)),
      };
    },
  });

  const start = async (definitions = options.definitions ?? operationDefinitions): Promise<void> => {
    processes += 1;
    const eventStore = options.eventStore?.(store) ?? store;
    const handler = createCommandHandler({ eventStore, clock, random: () => 0 });
    const warn = (_fields: object, message: string): void => void warnings.push(message);
    const logger = { info: () => undefined, warn, error: warn };
    const reports = {
      read: async () => ({
        usable: await Promise.all(Object.keys(pools).map((pool) => withLedger(handler, reportOf(pool)))),
        unusable: [],
      }),
    };
    const placement = createPlacement({
      handler,
      reports,
      options: () => parsePlacementOptions(options.placement ?? {}),
      random: () => 0,
    });
    const runner = createOperationRunner({
      handler,
      clock,
      workerId: `worker-${processes}`,
      definitions,
      services: { handler, clock, backends: backendsFor(handler), placement },
      logger,
    });
    const orphans = watchOrphans({ clock, lapse: createLapse({ handler, ids: clients.deps.ids }), logger });
    const feed = createOperationsFeed({
      eventStore,
      coordination,
      handler,
      runner,
      orphans,
      definitions,
      clock,
      logger,
    });
    const stop = async (): Promise<void> => {
      await runner.stop();
      await feed.stop();
      await orphans.stop();
    };
    current = { handler, runner, feed, stop };
    await during(feed.start());
  };

  /** Lets time pass until this is done. */
  const during = async <T>(work: Promise<T>): Promise<T> => {
    let settled = false;
    const watched = work.finally(() => {
      settled = true;
    });
    watched.catch(() => undefined);
    await clock.until(() => settled);
    return watched;
  };

  const operation = (operationId: string): Operation =>
    (store.eventsOf(operationStream(operationId)) as unknown as readonly OperationEvent[]).reduce(
      operationDecider.evolve,
      operationDecider.initial,
    );

  await start();

  const world = {
    clock,
    store,
    coordination,
    driver,
    clients,
    warnings,
    during,
    operation,
    start,
    runner: (): OperationRunner => {
      if (current === null) throw new Error('no operations process runs');
      return current.runner;
    },
    feed: (): OperationsFeed => {
      if (current === null) throw new Error('no operations process runs');
      return current.feed;
    },
    stop: async (): Promise<void> => {
      const stopping = current;
      current = null;
      await during(Promise.resolve(stopping?.stop()));
    },
    /** Takes a backend's worker away, and every call it had under way with it. */
    loseLease: (host: string): void => {
      down.add(host);
      lease.abort(new DriverError('the lease was lost', { fenced: true }));
      lease = new AbortController();
    },
    takeLease: (host: string): void => void down.delete(host),
    ended: (operationId: string): Promise<void> => clock.until(() => hasEnded(operation(operationId))),
    parked: (operationId: string): Promise<void> => clock.until(() => operation(operationId).phase === 'parked'),
    /** Until this step has been begun, or is done. */
    called: (call: string): Promise<void> => clock.until(() => driver.calls.some((one) => one.startsWith(call))),
    timeline: (operationId: string): readonly string[] => timelineOf(store.eventsOf(operationStream(operationId))),
    resume: async (operationId: string, action: 'retry' | 'abandon'): Promise<void> => {
      const { resume } = createOperationCommands(clients);
      await resume({ operationId, action }, asAdmin('operators', clients.deps.ids.newId()));
    },
    typesIn: (stream: string): readonly string[] => store.eventsOf(stream).map(({ type }) => type),
    volume: (volumeId: string): LiveVolume => {
      const { volume } = store
        .eventsOf(volumeStream(volumeId))
        .reduce((state, event) => volumeDecider.evolve(state, event as never), volumeDecider.initial);
      if (volume === null) throw new Error(`no volume ${volumeId}`);
      return volume;
    },
    quota: (projectId = 'p1'): QuotaLedger =>
      store
        .eventsOf(quotaStream(projectId))
        .reduce((ledger, event) => quotaDecider.evolve(ledger, event as never), quotaDecider.initial),
    pool: (pool = POOL_A): PoolLedger =>
      store
        .eventsOf(poolStream(pool))
        .reduce((ledger, event) => poolDecider.evolve(ledger, event as never), poolDecider.initial),
  };
  return { ...world, ...requestsOn(world) };
}

/** What a project is charged, by the plain resources. */
export const usedBy = ({ charged }: QuotaLedger) => ({
  volumes: charged.volumes ?? 0,
  gigabytes: charged.gigabytes ?? 0,
  snapshots: charged.snapshots ?? 0,
});

/** What is taken of a pool, in GiB. */
export const takenOf = ({ volumesGiB, snapshotsGiB }: PoolLedger) => ({ volumesGiB, snapshotsGiB });
