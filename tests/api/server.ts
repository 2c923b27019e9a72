import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { createApp } from '../../src/api/app.ts';
import { createNoAuthAuthenticator } from '../../src/api/auth.ts';
import type { ApiDependencies } from '../../src/api/dependencies.ts';
import { createPolicy } from '../../src/api/policy.ts';
import { firstSegmentsOf } from '../../src/api/route.ts';
import { ROUTES } from '../../src/api/routes.ts';
import {
  type CommandContext,
  type CommandHandler,
  createCommandHandler,
  type RefusalSink,
} from '../../src/commands/handle.ts';
import { volumeAggregate, volumeStream } from '../../src/commands/streams.ts';
import { parseConfig } from '../../src/config.ts';
import { PLACEMENT_PRESETS, type PoolReport } from '../../src/domain/placement/index.ts';
import type { VolumeCommand } from '../../src/domain/volume/commands.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { allProjections } from '../../src/projections/all.ts';
import { decodeRecorded } from '../../src/projections/catalogue.ts';
import { createLocalReadModels } from '../../src/projections/read-models.ts';
import { createProjectionRunner } from '../../src/projections/runner.ts';
import { backendHostOf } from '../../src/sagas/backend.ts';
import { createCommands, createQueries, quotaDefaults } from '../../src/server/commands.ts';
import { openStores, type Stores } from '../../src/server/stores.ts';
import { type Client, listen } from './http-client.ts';

export interface ServerOptions {
  /** Overrides of the quota configuration; by default nothing is limited. */
  readonly quota?: Readonly<Record<string, number>>;
  readonly maxLimit?: number;
  readonly publicEndpoint?: string;
  readonly pools?: readonly PoolReport[];
  readonly dependencies?: Partial<ApiDependencies>;
}

/**
 * The whole API over real commands and embedded stores, but without workers: what an operation would do happens only
 * when a test sends its outcome, so that every status in between can be seen.
 */
export interface TestServer extends Client {
  readonly handler: CommandHandler;
  readonly stores: Stores;
  readonly refusals: Parameters<RefusalSink>[0][];
  /** Sends a command to a volume's stream as an operation would; resolves when the read models have it. */
  send(volumeId: string, command: VolumeCommand): Promise<void>;
  /** Finishes what a create began: the volume becomes `available`. */
  finishCreation(volumeId: string): Promise<void>;
  finishSnapshot(volumeId: string, snapshotId: string): Promise<void>;
  /** A volume that is there to be used, through the API and `finishCreation`; returns its id. */
  availableVolume(fields?: Readonly<Record<string, unknown>>, token?: string): Promise<string>;
  /** Time moves on by so much for everything that is recorded from now on. */
  pass(ms: number): void;
  close(): Promise<void>;
}

export const UNLIMITED = {
  volumes: -1,
  snapshots: -1,
  gigabytes: -1,
  perVolumeGigabytes: -1,
  backups: -1,
  backupGigabytes: -1,
  groups: -1,
} as const;

export const POOL: PoolReport = {
  pool: 'host@file#pool',
  backendName: 'file',
  vendorName: 'Scoria',
  driverVersion: '1',
  storageProtocol: 'file',
  availabilityZone: 'nova',
  totalCapacityGiB: 1_000,
  freeCapacityGiB: 1_000,
  allocatedCapacityGiB: 0,
  provisionedCapacityGiB: 0,
  provisionedAtReportGiB: 0,
  reservedPercentage: 0,
  thinProvisioning: true,
  thickProvisioning: false,
  maxOverSubscriptionRatio: 20,
  multiattach: true,
  volumeCount: 0,
  capabilities: {},
  filterFunction: null,
  goodnessFunction: null,
  reportedAt: 0,
};

const operationContext = (commandId: string): CommandContext => ({
  commandId,
  causationId: commandId,
  correlationId: `req-${commandId}`,
  actor: { userId: 'scoria', projectId: 'demo', roles: [], kind: 'operation' },
});

export async function startTestServer(options: ServerOptions = {}): Promise<TestServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'scoria-api-'));
  const config = parseConfig({ dataDir, quota: { ...UNLIMITED, ...options.quota } });
  let ahead = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
  const logger = pino({ level: 'silent' });
  const stores = await openStores(config, clock, logger);
  const refusals: Parameters<RefusalSink>[0][] = [];
  const onRefused: RefusalSink = (refusal) => refusals.push(refusal);
  const handler = createCommandHandler({ eventStore: stores.eventStore, clock, exclusive: true, onRefused });
  const projections = createProjectionRunner({
    ...stores,
    projections: allProjections,
    decode: decodeRecorded,
    logger,
    clock,
  });
  await projections.start();
  const usable = options.pools ?? [POOL];
  const queries = createQueries(stores.readStore);
  const poolReports = {
    read: async () => ({ usable, unusable: [] }),
    services: async () => usable.map(({ pool, availabilityZone }) => ({ host: backendHostOf(pool), availabilityZone })),
  };
  const placementOptions = () => PLACEMENT_PRESETS.filter;
  const commands = createCommands({
    config,
    handler,
    clock,
    queries,
    reports: poolReports,
    placementOptions,
    onRefused,
  });
  const defaultType = await commands.volumeTypes.ensureDefault(operationContext(crypto.randomUUID()));
  if (defaultType.kind === 'accepted' && defaultType.position !== null) {
    await projections.waitFor(defaultType.position, 2_000);
  }
  const app = createApp({
    commands,
    queries,
    poolReports,
    heartbeats: stores.coordination,
    placementOptions,
    readModels: createLocalReadModels({ runner: projections, clock, logger }),
    auth: createNoAuthAuthenticator(firstSegmentsOf(ROUTES)),
    policy: createPolicy(),
    config: {
      maxLimit: options.maxLimit ?? 1_000,
      publicEndpoint: options.publicEndpoint ?? null,
      defaultAvailabilityZone: 'nova',
      quotaDefaults: quotaDefaults(config),
      serviceDownAfterMs: 60_000,
    },
    clock,
    logger,
    readiness: () => ({ ready: true, missing: [] }),
    onRefused,
    ...options.dependencies,
  });
  const client = await listen(app);

  const send: TestServer['send'] = async (volumeId, command) => {
    const context = operationContext(crypto.randomUUID());
    const outcome = await handler.handle(volumeAggregate, volumeStream(volumeId), command, context);
    if (outcome.kind === 'rejected') throw new Error(outcome.rejection.message);
    if (outcome.position !== null) await projections.waitFor(outcome.position, 2_000);
  };

  const ownerOf = async (volumeId: string, snapshotId?: string): Promise<string> => {
    const { state } = await handler.load(volumeAggregate, volumeStream(volumeId));
    const owned = snapshotId === undefined ? state.volume : state.volume?.snapshots[snapshotId];
    if (owned?.owner === undefined || owned.owner === null) throw new Error('no operation owns it');
    return owned.owner.operationId;
  };

  const finishCreation: TestServer['finishCreation'] = async (volumeId) =>
    send(volumeId, {
      type: 'CompleteVolumeCreation',
      outcome: {
        operationId: await ownerOf(volumeId),
        pool: POOL.pool,
        availabilityZone: 'nova',
        backendName: `volume-${volumeId}`,
        providerId: null,
        serviceUuid: '5a1f0c0e-6d0b-4a59-9d3c-0c5a0a1d7f10',
        sharedTargets: false,
      },
    });

  return {
    ...client,
    handler,
    stores,
    refusals,
    send,
    finishCreation,
    finishSnapshot: async (volumeId, snapshotId) => {
      const operationId = await ownerOf(volumeId, snapshotId);
      const outcome = { snapshotId, operationId, backendName: `snapshot-${snapshotId}`, providerId: null };
      await send(volumeId, { type: 'CompleteSnapshotCreation', outcome });
    },
    availableVolume: async (fields = {}, token = 'root:demo') => {
      const answer = await client.post('/v3/volumes', { volume: { size: 1, ...fields } }, { token });
      if (answer.status !== 202) throw new Error(answer.text);
      await finishCreation(answer.json.volume.id);
      return answer.json.volume.id;
    },
    pass: (ms) => {
      ahead += ms;
    },
    close: async () => {
      await app.close();
      await projections.stop();
      await stores.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
