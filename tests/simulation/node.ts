import { createAttachmentCommands } from '../../src/commands/attachments.ts';
import type { CommandDependencies } from '../../src/commands/dependencies.ts';
import { createCommandHandler } from '../../src/commands/handle.ts';
import { createLapse } from '../../src/commands/lapse.ts';
import { createOperationCommands } from '../../src/commands/operations.ts';
import { createSnapshotCommands } from '../../src/commands/snapshots.ts';
import { createTransferCommands } from '../../src/commands/transfers.ts';
import { createVolumeTypeCommands } from '../../src/commands/volume-types.ts';
import { createVolumeCommands } from '../../src/commands/volumes.ts';
import { deriveId } from '../../src/domain/kernel/ids.ts';
import { PLACEMENT_PRESETS } from '../../src/domain/placement/index.ts';
import type { Amounts } from '../../src/domain/quota/index.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { allProjections } from '../../src/projections/all.ts';
import { decodeRecorded } from '../../src/projections/catalogue.ts';
import { createProjectionRunner, type ProjectionRunner } from '../../src/projections/runner.ts';
import { backendHostOf } from '../../src/sagas/backend.ts';
import { createOperationsFeed, type OperationsFeed } from '../../src/sagas/feed.ts';
import { type OrphanWatch, watchOrphans } from '../../src/sagas/lapse-orphans.ts';
import { createShares, type Shares } from '../../src/sagas/many-processes.ts';
import type { OperationDefinition } from '../../src/sagas/operation.ts';
import { createPlacement } from '../../src/sagas/place.ts';
import { createPoolReports } from '../../src/sagas/pool-reports.ts';
import { createOperationRunner, type OperationRunner } from '../../src/sagas/runner.ts';
import type { OperationsLogger } from '../../src/sagas/services.ts';
import { createStorageWorkers } from '../../src/sagas/workers.ts';
import type { SimulatedCoordination } from './coordination.ts';
import type { SimulatedLog } from './event-store.ts';
import type { Mutant } from './mutants/mutant.ts';
import type { SimulatedReadStore } from './read-store.ts';
import type { Scheduler, SimProcess } from './scheduler.ts';
import type { SimulatedBackend } from './storage-backend.ts';

/** What survives every process. */
export interface Machine {
  readonly scheduler: Scheduler;
  readonly log: SimulatedLog;
  readonly readStore: SimulatedReadStore;
  readonly coordination: SimulatedCoordination;
  readonly backends: readonly SimulatedBackend[];
  readonly definitions: readonly OperationDefinition[];
  readonly quotaLimits: Amounts;
  /** One process does everything and is the only writer of the log; else the API and the operations are apart. */
  readonly embedded: boolean;
  /** Several processes carry operations out, side by side. */
  readonly many: boolean;
  readonly mutant: Mutant | null;
  readonly note: (process: string, line: string, fields: object) => void;
}

/** What clients may ask of a process. */
export interface Api {
  readonly process: SimProcess;
  readonly volumes: ReturnType<typeof createVolumeCommands>;
  readonly snapshots: ReturnType<typeof createSnapshotCommands>;
  readonly transfers: ReturnType<typeof createTransferCommands>;
  readonly attachments: ReturnType<typeof createAttachmentCommands>;
  readonly operations: ReturnType<typeof createOperationCommands>;
  readonly projections: ProjectionRunner;
}

export interface Operations {
  readonly process: SimProcess;
  readonly runner: OperationRunner;
  readonly feed: OperationsFeed;
  readonly orphans: OrphanWatch;
  /** Whether it keeps what is one for all processes. */
  isKeeper(): boolean;
  stop(): Promise<void>;
}

const HOST = 'node';
const REPORT_EVERY_MS = 5_000;
const DOWN_AFTER_MS = 60_000;

/** What every process builds first: its own way to the log, and who writes there. */
function beginning(machine: Machine, process: SimProcess) {
  const { scheduler, log, mutant, embedded } = machine;
  const clock = scheduler.clockOf(process);
  const connected = log.connect(process);
  const eventStore: EventStore = mutant?.eventStore?.(connected) ?? connected;
  const handler = createCommandHandler({ eventStore, clock, exclusive: embedded, random: scheduler.random.next });
  const coordination = machine.coordination.connect(process);
  const logger = loggerOf(machine, process);
  return { clock, eventStore, handler, coordination: mutant?.coordination?.(coordination) ?? coordination, logger };
}

type Beginning = ReturnType<typeof beginning>;

const loggerOf = ({ note }: Machine, { name }: SimProcess): OperationsLogger => {
  const line = (level: string) => (fields: object, message: string) => note(name, `${level}: ${message}`, fields);
  return { info: line('info'), warn: line('warn'), error: line('error') };
};

/** Ids that are the same in every run of a seed, and different in every process. */
function counting(what: string, { name }: SimProcess): () => string {
  let count = 0;
  return () => {
    count += 1;
    return deriveId(what, name, count);
  };
}

/** A server process as src/server composes it, of the embedded kind. Throws where a store is away. */
export async function startServer(
  machine: Machine,
  process: SimProcess,
): Promise<{ readonly api: Api; readonly operations: Operations }> {
  const begun = beginning(machine, process);
  await begun.coordination.releaseAll();
  const api = await startApi(machine, process, begun);
  return { api, operations: await startOperations(machine, process, begun) };
}

export async function startApi(machine: Machine, process: SimProcess, begun?: Beginning): Promise<Api> {
  const { clock, eventStore, handler, coordination, logger } = begun ?? beginning(machine, process);
  const { scheduler, mutant } = machine;
  const connected = machine.readStore.connect(process);
  const readStore = mutant?.readStore?.(connected) ?? connected;
  const stores = { eventStore, readStore, decode: decodeRecorded };
  const projections = createProjectionRunner({ ...stores, projections: allProjections, logger, clock });
  await projections.start();
  const reports = createPoolReports({ coordination, handler, clock, downAfterMs: DOWN_AFTER_MS });
  const hex = (): string =>
    Math.floor(scheduler.random.next() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  const deps: CommandDependencies = {
    handler,
    clock,
    ids: { newId: counting('simulated', process), authKey: () => hex() + hex(), salt: hex },
    defaults: { quotaLimits: machine.quotaLimits, zones: () => PLACEMENT_PRESETS.filter },
    volumeServices: async () => {
      const { usable } = await reports.read();
      const zones = new Map(usable.map(({ pool, availabilityZone }) => [backendHostOf(pool), availabilityZone]));
      return [...zones].map(([host, availabilityZone]) => ({ host, availabilityZone }));
    },
    isTypeInUse: async () => false,
  };
  const types = createVolumeTypeCommands(deps);
  const commandId = deps.ids.newId();
  await types.ensureDefault({
    commandId,
    correlationId: `req-${commandId}`,
    causationId: commandId,
    actor: { userId: 'scoria', projectId: 'scoria', roles: [], kind: 'system' },
  });
  return {
    process,
    volumes: createVolumeCommands(deps),
    snapshots: createSnapshotCommands(deps),
    transfers: createTransferCommands(deps),
    attachments: createAttachmentCommands(deps),
    operations: createOperationCommands(deps),
    projections,
  };
}

export type OperationsRole = 'operations' | 'storage';

export async function startOperations(
  machine: Machine,
  process: SimProcess,
  begun?: Beginning,
  roles: readonly OperationsRole[] = ['operations', 'storage'],
): Promise<Operations> {
  const { clock, eventStore, handler, coordination, logger } = begun ?? beginning(machine, process);
  const { scheduler, mutant, definitions, many } = machine;
  const workerId = process.name;
  const hasStorage = roles.includes('storage');
  const running: { runner: OperationRunner | null } = { runner: null };
  const onGained = (): void => running.runner?.reconsider();
  const workers = createStorageWorkers({
    host: HOST,
    workerId,
    backends: (hasStorage ? machine.backends : []).map((backend) => {
      const driver = backend.connect(process);
      return { name: backend.host, availabilityZone: 'nova', driver: mutant?.driver?.(driver) ?? driver };
    }),
    coordination,
    handler,
    clock,
    reportEveryMs: REPORT_EVERY_MS,
    downAfterMs: many ? DOWN_AFTER_MS : null,
    onGained,
    logger,
  });
  const shares = many
    ? createShares({
        coordination,
        clock,
        workerId,
        logger,
        downAfterMs: DOWN_AFTER_MS,
        hasPartitions: roles.includes('operations'),
        workers: hasStorage ? workers : null,
        isBusy: (concerns) => running.runner?.isBusy(concerns) ?? false,
        onGained,
      })
    : null;
  const shared = shares === null ? {} : (mutant?.shares?.(shares) ?? shares);
  const reports = createPoolReports({ coordination, handler, clock, downAfterMs: DOWN_AFTER_MS });
  const options = () => PLACEMENT_PRESETS.filter;
  const placement = createPlacement({ handler, reports, options, random: scheduler.random.next });
  const services = { handler, clock, backends: workers, placement };
  const runner = createOperationRunner({ handler, clock, workerId, definitions, services, logger, ...shared });
  running.runner = runner;
  const newId = counting('simulated lapse', process);
  const lapse = createLapse({ handler, ids: { newId, authKey: newId, salt: newId } });
  const orphans = watchOrphans({ clock, lapse: mutant?.lapse?.(lapse, handler) ?? lapse, logger, ...activeOf(shares) });
  const feed = createOperationsFeed({
    eventStore,
    coordination,
    handler,
    runner,
    orphans,
    definitions,
    clock,
    logger,
    ...(shares === null ? {} : { isKeeper: shares.isKeeper }),
  });
  await workers.start();
  await feed.start();
  await shares?.partitions?.start();
  return {
    process,
    runner,
    feed,
    orphans,
    isKeeper: () => shares?.isKeeper() ?? true,
    stop: async () => {
      await runner.stop();
      await feed.stop();
      await orphans.stop();
      await Promise.all([shares?.partitions?.stop(), workers.stop()]);
    },
  };
}

const activeOf = (shares: Shares | null) => (shares === null ? {} : { isActive: shares.isKeeper });
