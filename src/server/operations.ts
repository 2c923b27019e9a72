import { randomIds } from '../commands/dependencies.ts';
import type { CommandHandler } from '../commands/handle.ts';
import { createLapse } from '../commands/lapse.ts';
import { backendDirectory, type Config, isShared } from '../config.ts';
import type { PlacementOptions } from '../domain/placement/index.ts';
import { createFileDriver } from '../drivers/storage/file/file-driver.ts';
import type { Clock } from '../ports/clock.ts';
import { operationDefinitions } from '../sagas/definitions.ts';
import { type BackendDrift, createDriftWatch } from '../sagas/detect-drift.ts';
import { createOperationsFeed } from '../sagas/feed.ts';
import { watchOrphans } from '../sagas/lapse-orphans.ts';
import { createShares } from '../sagas/many-processes.ts';
import { createPlacement } from '../sagas/place.ts';
import type { PoolReports } from '../sagas/pool-reports.ts';
import { createOperationRunner, type OperationRunner } from '../sagas/runner.ts';
import { createSchedulerService } from '../sagas/scheduler-service.ts';
import type { OperationsLogger } from '../sagas/services.ts';
import { type ConfiguredBackend, createStorageWorkers } from '../sagas/workers.ts';
import { stopInOrder } from './stopping.ts';
import type { Stores } from './stores.ts';

export interface Operations {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What keeps operations from being done, in words for `/readyz`. */
  missing(): readonly string[];
  open(): number;
  /** Where backends are not what the log says. */
  drift(): readonly BackendDrift[];
}

/** The backends as they are configured, with their drivers. */
export const configuredBackends = (config: Config): readonly ConfiguredBackend[] =>
  config.storage.backends.map((backend) => {
    const { name, driver: _, directory: __, availabilityZone, backendName, ...rest } = backend;
    const directory = backendDirectory(config, backend);
    return {
      name,
      availabilityZone,
      driver: createFileDriver({ ...rest, directory, backendName: backendName ?? name }),
    };
  });

/**
 * Everything that carries operations out: the backends' workers (role `storage`), partitions and placement (role
 * `operations`), and in either the runner and its feed. On embedded stores one process has all of it, and shares nothing.
 */
export function createOperations(deps: {
  readonly config: Config;
  readonly stores: Stores;
  readonly handler: CommandHandler;
  readonly clock: Clock;
  readonly reports: PoolReports;
  readonly placementOptions: () => PlacementOptions;
  readonly workerId: string;
  readonly logger: OperationsLogger;
}): Operations {
  const { config, stores, handler, clock, reports, placementOptions, workerId, logger } = deps;
  const { coordination, eventStore } = stores;
  const hasStorage = config.roles.includes('storage');
  const hasOperations = config.roles.includes('operations');
  const downAfterMs = config.scheduler.serviceDownSeconds * 1000;
  const beatEveryMs = config.storage.reportEverySeconds * 1000;
  const running: { runner: OperationRunner | null } = { runner: null };

  const workers = createStorageWorkers({
    host: config.hostName,
    workerId,
    backends: hasStorage ? configuredBackends(config) : [],
    coordination,
    handler,
    clock,
    reportEveryMs: beatEveryMs,
    downAfterMs: isShared(config) ? downAfterMs : null,
    onGained: () => running.runner?.reconsider(),
    logger,
  });
  const shares = isShared(config)
    ? createShares({
        coordination,
        clock,
        workerId,
        logger,
        downAfterMs,
        hasPartitions: hasOperations,
        workers: hasStorage ? workers : null,
        onGained: () => running.runner?.reconsider(),
        isBusy: (concerns) => running.runner?.isBusy(concerns) ?? false,
      })
    : null;
  const placement = createPlacement({ handler, reports, options: placementOptions, random: Math.random });
  const runner = createOperationRunner({
    handler,
    clock,
    workerId,
    definitions: operationDefinitions,
    services: { handler, clock, backends: workers, placement },
    logger,
    ...(shares === null ? {} : { ownership: shares.ownership }),
  });
  running.runner = runner;
  const orphans = watchOrphans({
    clock,
    lapse: createLapse({ handler, ids: randomIds }),
    logger,
    ...(shares === null ? {} : { isActive: shares.isKeeper }),
  });
  const feed = createOperationsFeed({
    eventStore,
    coordination,
    handler,
    runner,
    orphans,
    definitions: operationDefinitions,
    clock,
    logger,
    ...(shares === null ? {} : { isKeeper: shares.isKeeper }),
  });
  const scheduler = hasOperations
    ? createSchedulerService({
        host: config.hostName,
        availabilityZone: placementOptions().storageAvailabilityZone,
        beatEveryMs,
        handler,
        coordination,
        clock,
        logger,
      })
    : null;
  const drift = createDriftWatch({
    hosts: hasStorage ? config.storage.backends.map(({ name }) => `${config.hostName}@${name}`) : [],
    backends: workers,
    readStore: stores.readStore,
    handler,
    clock,
    logger,
  });
  return {
    start: async () => {
      await workers.start();
      await scheduler?.start();
      await feed.start();
      await shares?.partitions?.start();
      drift.start();
    },
    stop: () =>
      stopInOrder([
        [drift.stop],
        [runner.stop],
        [feed.stop],
        [orphans.stop],
        [async () => shares?.partitions?.stop(), workers.stop, async () => scheduler?.stop()],
      ]),
    missing: () => [
      ...workers.notReady().map(({ backend, reason }) => `backend ${backend}: ${reason}`),
      ...(feed.failure() === null ? [] : [`operations feed: ${feed.failure()}`]),
    ],
    open: () => runner.open().length,
    drift: () => drift.found(),
  };
}
