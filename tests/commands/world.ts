import { createAttachmentCommands } from '../../src/commands/attachments.ts';
import type { CommandDependencies, VolumeService } from '../../src/commands/dependencies.ts';
import { type CommandContext, createCommandHandler, type RefusalSink } from '../../src/commands/handle.ts';
import { createLapse } from '../../src/commands/lapse.ts';
import { createMessageCommands } from '../../src/commands/messages.ts';
import { createQuotaCommands } from '../../src/commands/quotas.ts';
import { createServiceCommands } from '../../src/commands/services.ts';
import { createSnapshotCommands } from '../../src/commands/snapshots.ts';
import { quotaAggregate, quotaStream, volumeAggregate, volumeStream } from '../../src/commands/streams.ts';
import { createTransferCommands } from '../../src/commands/transfers.ts';
import { createVolumeTypeCommands } from '../../src/commands/volume-types.ts';
import { type CreateVolumeInput, createVolumeCommands } from '../../src/commands/volumes.ts';
import type { Amounts, QuotaLedger } from '../../src/domain/quota/index.ts';
import type { VolumeCommand } from '../../src/domain/volume/commands.ts';
import type { LiveVolume } from '../../src/domain/volume/state.ts';
import { stillClock } from './counter.ts';
import { createMemoryEventStore, type MemoryEventStore } from './memory-event-store.ts';

export const POOL = 'node@file#main';

const PROJECT_LIMITS: Amounts = { volumes: 10, gigabytes: 1000, snapshots: 10, per_volume_gigabytes: -1 };

let worlds = 0;

/** One process: all commands on one log, and what tests do in place of operations. */
export function worldOn(
  store: MemoryEventStore = createMemoryEventStore(),
  options: { readonly limits?: Amounts; readonly services?: readonly VolumeService[]; readonly inUse?: boolean } = {},
) {
  const clock = stillClock();
  const refusals: Parameters<RefusalSink>[0][] = [];
  const onRefused: RefusalSink = (refusal) => refusals.push(refusal);
  const handler = createCommandHandler({ eventStore: store, clock, onRefused, random: () => 0 });
  let ids = 0;
  const tag = `world-${worlds++}`;
  const deps: CommandDependencies = {
    handler,
    clock,
    ids: { newId: () => `id-${tag}-${ids++}`, authKey: () => '0123456789abcdef', salt: () => `salt-${ids++}` },
    defaults: {
      quotaLimits: { ...PROJECT_LIMITS, ...options.limits },
      zones: () => ({
        storageAvailabilityZone: 'nova',
        defaultAvailabilityZone: null,
        allowAvailabilityZoneFallback: false,
        clonedVolumeSameAz: true,
      }),
    },
    volumeServices: async () => options.services ?? [{ host: 'node@file', availabilityZone: 'nova' }],
    isTypeInUse: async () => options.inUse ?? false,
    onRefused,
  };
  const volumes = createVolumeCommands(deps);

  const tell = async (volumeId: string, command: VolumeCommand): Promise<void> => {
    const outcome = await handler.handle(
      volumeAggregate,
      volumeStream(volumeId),
      command,
      asUser('operation', deps.ids.newId()),
    );
    if (outcome.kind === 'rejected') throw new Error(outcome.rejection.message);
  };

  const world = {
    store,
    deps,
    handler,
    refusals,
    volumes,
    snapshots: createSnapshotCommands(deps),
    transfers: createTransferCommands(deps),
    attachments: createAttachmentCommands(deps),
    types: createVolumeTypeCommands(deps),
    quotas: createQuotaCommands(deps),
    services: createServiceCommands(deps),
    messages: createMessageCommands(deps),
    lapse: createLapse(deps),
    tell,
    quotaOf: async (projectId: string): Promise<QuotaLedger> =>
      (await handler.load(quotaAggregate, quotaStream(projectId))).state,
    volume: async (volumeId: string): Promise<LiveVolume> => {
      const { volume } = (await handler.load(volumeAggregate, volumeStream(volumeId))).state;
      if (volume === null) throw new Error(`no volume ${volumeId}`);
      return volume;
    },
    settle: async (projectId: string, operationId: string): Promise<void> => {
      const command = { type: 'SettleCharge', projectId, operationId } as const;
      await handler.handle(quotaAggregate, quotaStream(projectId), command, asUser(projectId, deps.ids.newId()));
    },
    /** A volume that is available, its operation ended. */
    availableVolume: async (projectId: string, input: Partial<CreateVolumeInput> = {}): Promise<string> => {
      const created = acceptedOf(await volumes.create(emptyVolume(input), asUser(projectId, deps.ids.newId())));
      const { volumeId, operationId } = created;
      await tell(volumeId, {
        type: 'CompleteVolumeCreation',
        outcome: {
          operationId,
          pool: POOL,
          availabilityZone: 'nova',
          backendName: `volume-${volumeId}`,
          providerId: null,
          serviceUuid: 's',
          sharedTargets: false,
        },
      });
      await world.settle(projectId, operationId);
      return volumeId;
    },
    /** A snapshot that is available, its operation ended. */
    availableSnapshot: async (projectId: string, volumeId: string): Promise<string> => {
      const created = acceptedOf(
        await world.snapshots.create(snapshotOf(volumeId), asUser(projectId, deps.ids.newId())),
      );
      const { snapshotId, operationId } = created;
      const outcome = { operationId, snapshotId, backendName: `snapshot-${snapshotId}`, providerId: null };
      await tell(volumeId, { type: 'CompleteSnapshotCreation', outcome });
      await world.settle(projectId, operationId);
      return snapshotId;
    },
  };
  return world;
}

export type World = ReturnType<typeof worldOn>;

/** A world whose default volume type is there. */
export async function startedWorld(...args: Parameters<typeof worldOn>): Promise<World> {
  const world = worldOn(...args);
  await world.types.ensureDefault(asUser('system', world.deps.ids.newId()));
  return world;
}

export const emptyVolume = (input: Partial<CreateVolumeInput> = {}): CreateVolumeInput => ({
  name: 'data',
  description: null,
  sizeGiB: input.source === undefined ? 1 : null,
  volumeType: null,
  source: { kind: 'empty' },
  availabilityZone: null,
  metadata: {},
  schedulerHints: {},
  ...input,
});

export const snapshotOf = (volumeId: string) => ({
  volumeId,
  name: null,
  description: null,
  metadata: {},
  inUseAllowed: false,
});

export const asUser = (
  projectId: string,
  commandId: string,
  { roles = ['member'], ...more }: Partial<CommandContext> & { roles?: readonly string[] } = {},
): CommandContext => ({
  commandId,
  correlationId: `req-${commandId}`,
  causationId: commandId,
  actor: { userId: `user-of-${projectId}`, projectId, roles, kind: 'user' },
  ...more,
});

export const asAdmin = (projectId: string, commandId: string): CommandContext =>
  asUser(projectId, commandId, { roles: ['admin'] });

/** The facts of an accepted result; throws its refusal. */
export function acceptedOf<R extends { readonly kind: string }>(result: R): Extract<R, { kind: 'accepted' }> {
  if (result.kind !== 'accepted') throw new Error(`refused: ${JSON.stringify(result)}`);
  return result as Extract<R, { kind: 'accepted' }>;
}

/** Events of a stream by type. */
export const typesIn = (store: MemoryEventStore, stream: string): readonly string[] =>
  store.eventsOf(stream).map(({ type }) => type);
