import type { Logger } from 'pino';
import { watchPlacementOptions } from '../adapters/system/placement-options-file.ts';
import { randomIds } from '../commands/dependencies.ts';
import { type CommandHandler, createCommandHandler } from '../commands/handle.ts';
import { createRefusalRecorder, type RefusalRecorder } from '../commands/refusals.ts';
import type { Config } from '../config.ts';
import { PLACEMENT_PRESETS, type PlacementOptions } from '../domain/placement/index.ts';
import type { Clock } from '../ports/clock.ts';
import { createPoolReports, type PoolReports } from '../sagas/pool-reports.ts';
import type { Stores } from './stores.ts';

/** What every part of a process stands on. */
export interface Core {
  readonly config: Config;
  readonly stores: Stores;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name of this process among the holders of leases. */
  readonly workerId: string;
  readonly handler: CommandHandler;
  readonly refusals: RefusalRecorder;
  readonly reports: PoolReports;
  readonly placementOptions: () => PlacementOptions;
}

export function createCore(given: Pick<Core, 'config' | 'stores' | 'clock' | 'logger' | 'workerId'>): Core {
  const { config, stores, clock } = given;
  const { eventStore, coordination, exclusive } = stores;
  const handlerOf: { current: CommandHandler | null } = { current: null };
  const refusals = createRefusalRecorder({ handler: () => required(handlerOf.current), clock, ids: randomIds });
  const handler = createCommandHandler({ eventStore, clock, exclusive, onRefused: refusals.sink });
  handlerOf.current = handler;
  const downAfterMs = config.scheduler.serviceDownSeconds * 1000;
  const reports = createPoolReports({ coordination, handler, clock, downAfterMs });
  return { ...given, handler, refusals, reports, placementOptions: placementOptionsOf(given) };
}

function placementOptionsOf({ config, clock, logger }: Pick<Core, 'config' | 'clock' | 'logger'>) {
  const { optionsFile } = config.scheduler;
  if (optionsFile === null) return () => PLACEMENT_PRESETS.filter;
  return watchPlacementOptions(optionsFile, clock, (error) =>
    logger.error({ err: error, file: optionsFile }, 'placement options cannot be used: the ones before stay'),
  );
}

function required<T>(value: T | null): T {
  if (value === null) throw new Error('used before it was built');
  return value;
}
