import type { ApiCommands, ApiQueries } from '../api/dependencies.ts';
import { createAttachmentCommands } from '../commands/attachments.ts';
import { type CommandDependencies, randomIds } from '../commands/dependencies.ts';
import type { CommandHandler, RefusalSink } from '../commands/handle.ts';
import { createMessageCommands } from '../commands/messages.ts';
import { createOperationCommands } from '../commands/operations.ts';
import { createQuotaCommands } from '../commands/quotas.ts';
import { createServiceCommands } from '../commands/services.ts';
import { createSnapshotCommands } from '../commands/snapshots.ts';
import { createTransferCommands } from '../commands/transfers.ts';
import { createVolumeTypeCommands } from '../commands/volume-types.ts';
import { createVolumeCommands } from '../commands/volumes.ts';
import type { Config } from '../config.ts';
import type { PlacementOptions } from '../domain/placement/index.ts';
import type { Amounts } from '../domain/quota/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { ReadStore } from '../ports/read-store.ts';
import { createKeyedCommandQueries } from '../projections/keyed-commands.ts';
import { createMessageQueries } from '../projections/messages.ts';
import { createOperationQueries } from '../projections/operations.ts';
import { createQuotaClassQueries, createQuotaQueries } from '../projections/quotas.ts';
import { createServiceQueries } from '../projections/services.ts';
import { createSnapshotQueries } from '../projections/snapshots.ts';
import { createTransferQueries } from '../projections/transfers.ts';
import { createDefaultTypeQueries, createVolumeTypeQueries } from '../projections/volume-types.ts';
import { createVolumeQueries } from '../projections/volumes.ts';
import type { PoolReports } from '../sagas/pool-reports.ts';

/** Configured limits by resource key: what applies below the class named `default`. */
export const quotaDefaults = ({ quota }: Config): Amounts => ({
  volumes: quota.volumes,
  snapshots: quota.snapshots,
  gigabytes: quota.gigabytes,
  per_volume_gigabytes: quota.perVolumeGigabytes,
  backups: quota.backups,
  backup_gigabytes: quota.backupGigabytes,
  groups: quota.groups,
});

/** What the API reads. */
export const createQueries = (readStore: ReadStore): ApiQueries => ({
  volumes: createVolumeQueries(readStore),
  snapshots: createSnapshotQueries(readStore),
  transfers: createTransferQueries(readStore),
  volumeTypes: createVolumeTypeQueries(readStore),
  defaultTypes: createDefaultTypeQueries(readStore),
  quotas: createQuotaQueries(readStore),
  quotaClasses: createQuotaClassQueries(readStore),
  services: createServiceQueries(readStore),
  messages: createMessageQueries(readStore),
  operations: createOperationQueries(readStore),
  keyedCommands: createKeyedCommandQueries(readStore),
});

/** What the API may ask for, and what the server itself does at start. */
export function createCommands(deps: {
  readonly config: Config;
  readonly handler: CommandHandler;
  readonly clock: Clock;
  readonly queries: ApiQueries;
  readonly reports: PoolReports;
  readonly placementOptions: () => PlacementOptions;
  readonly onRefused: RefusalSink;
}) {
  const { handler, queries, reports } = deps;
  const dependencies: CommandDependencies = {
    handler,
    clock: deps.clock,
    ids: randomIds,
    defaults: { quotaLimits: quotaDefaults(deps.config), zones: deps.placementOptions },
    volumeServices: () => reports.services(),
    isTypeInUse: async (typeId) =>
      (await queries.volumes.count({ projectId: null, where: { volumeTypeId: { eq: typeId } } })) > 0,
    onRefused: deps.onRefused,
  };
  return {
    volumes: createVolumeCommands(dependencies),
    attachments: createAttachmentCommands(dependencies),
    snapshots: createSnapshotCommands(dependencies),
    transfers: createTransferCommands(dependencies),
    volumeTypes: createVolumeTypeCommands(dependencies),
    quotas: createQuotaCommands(dependencies),
    services: createServiceCommands(dependencies),
    messages: createMessageCommands(dependencies),
    operations: createOperationCommands(dependencies),
  } satisfies ApiCommands;
}
