import { randomIds } from '../commands/dependencies.ts';
import type { CommandHandler } from '../commands/handle.ts';
import { createLapse } from '../commands/lapse.ts';
import { backendDirectory, type Config } from '../config.ts';
import type { PlacementOptions } from '../domain/placement/index.ts';
import { createFileDriver } from '../drivers/storage/file/file-driver.ts';
import type { Clock } from '../ports/clock.ts';
import { operationDefinitions } from '../sagas/definitions.ts';
import { type BackendDrift, createDriftWatch } from '../sagas/detect-drift.ts';
import { createOperationsFeed } from '../sagas/feed.ts';
import { watchOrphans } from '../sagas/lapse-orphans.ts';
import { createPlacement } from '../sagas/place.ts';
import type { PoolReports } from '../sagas/pool-reports.ts';
import { createOperationRunner } from '../sagas/runner.ts';
import type { OperationsLogger } from '../sagas/services.ts';
import { type ConfiguredBackend, createStorageWorkers } from '../sagas/workers.ts';
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

/** Everything that carries operations out: the backends' workers, placement, the runner and its feed. */
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
  const { config, stores, handler, clock, reports, workerId, logger } = deps;
  const { coordination, eventStore } = stores;
  const workers = createStorageWorkers({
    host: config.hostName,
    workerId,
    backends: configuredBackends(config),
    coordination,
    handler,
    clock,
    reportEveryMs: config.storage.reportEverySeconds * 1000,
    logger,
  });
  const placement = createPlacement({ handler, reports, options: deps.placementOptions, random: Math.random });
  const runner = createOperationRunner({
    handler,
    clock,
    workerId,
    definitions: operationDefinitions,
    services: { handler, clock, backends: workers, placement },
    logger,
  });
  const orphans = watchOrphans({ clock, lapse: createLapse({ handler, ids: randomIds }), logger });
  const feed = createOperationsFeed({
    eventStore,
    coordination,
    handler,
    runner,
    orphans,
    definitions: operationDefinitions,
    clock,
    logger,
  });
  const drift = createDriftWatch({
    hosts: config.storage.backends.map(({ name }) => `${config.hostName}@${name}`),
    backends: workers,
    readStore: stores.readStore,
    handler,
    clock,
    logger,
  });
  return {
    start: async () => {
      await workers.start();
      await feed.start();
      drift.start();
    },
    stop: async () => {
      await drift.stop();
      await runner.stop();
      await feed.stop();
      await orphans.stop();
      await workers.stop();
    },
    missing: () => [
      ...workers.notReady().map(({ backend, reason }) => `backend ${backend}: ${reason}`),
      ...(feed.failure() === null ? [] : [`operations feed: ${feed.failure()}`]),
    ],
    open: () => runner.open().length,
    drift: () => drift.found(),
  };
}
