import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import type { VolumeEventOf, VolumeSource } from '../domain/volume/events.ts';
import type {
  BackendObject,
  BackendSnapshot,
  BackendVolume,
  CallContext,
  StorageDriver,
} from '../drivers/storage/driver.ts';
import { backendVolumeOf, loadVolume, notOwner, workerFor } from './backend.ts';
import { claimCapacity, returnClaim, settleClaim, settleQuota } from './ledgers.ts';
import { defineOperation, forEach, type Step, type StepContext, StepError, untilDone } from './operation.ts';
import type { Placed } from './place.ts';
import { stopFormerOfSource } from './stop-former.ts';

type Input = VolumeEventOf<'VolumeCreationRequested'>['data'];
type Context = StepContext<Input>;

interface Provision {
  readonly volume: BackendVolume;
  readonly pool: string;
}

interface Provisioned {
  readonly backendName: string;
  readonly providerId: string | null;
  readonly availabilityZone: string;
  readonly serviceUuid: string;
}

const sourceVolumeId = (source: VolumeSource): string | null => (source.kind === 'empty' ? null : source.volumeId);

/** One step where there is a source, none (and no append) for an empty volume. */
const sourceToPin = ({ source }: Input): readonly string[] => (source.kind === 'empty' ? [] : [source.volumeId]);

/** The source stays while it is read: nobody can delete it, nor the snapshot. */
const pin: Step<Input> = {
  name: 'pin-source',
  effect: 'command',
  timeoutMs: 30_000,
  attempts: 10,
  run: async ({ operation, send }) => {
    const { source, operationId, volumeId } = operation.input;
    const pinned = sourceVolumeId(source);
    if (pinned === null) return;
    const snapshotId = source.kind === 'snapshot' ? source.snapshotId : null;
    await send(volumeAggregate, volumeStream(pinned), {
      type: 'PinVolume',
      operationId,
      readerVolumeId: volumeId,
      snapshotId,
    });
  },
  undo: (context) => unpin(context, { isUndo: true }),
};

const unpin = async ({ operation, send }: Context, how: { readonly isUndo?: true } = {}): Promise<void> => {
  const pinned = sourceVolumeId(operation.input.source);
  if (pinned === null) return;
  const { operationId } = operation.input;
  await send(volumeAggregate, volumeStream(pinned), { type: 'UnpinVolume', operationId, ...how }, ':unpin');
};

/** Chooses a pool; takes nothing yet. Tried pools come last. */
const place: Step<Input> = {
  name: 'place',
  effect: 'none',
  timeoutMs: 30_000,
  attempts: 1,
  run: ({ operation, services, earlierOutputs }) => {
    const { input } = operation;
    return services.placement.place({
      sizeGiB: input.sizeGiB,
      volumeId: input.volumeId,
      projectId: input.projectId,
      volumeType: input.volumeType,
      availabilityZones: input.availabilityZones,
      hints: input.schedulerHints,
      source: input.source.kind === 'empty' ? null : { kind: input.source.kind, pool: input.source.pool },
      triedPools: earlierOutputs<Placed>('place').map(({ pool }) => pool),
    });
  },
};

const claim: Step<Input> = {
  name: 'claim',
  effect: 'command',
  timeoutMs: 30_000,
  attempts: 5,
  run: (context) => {
    const { volumeId, sizeGiB, volumeType } = context.operation.input;
    const { pool } = context.output<Placed>('place');
    return claimCapacity(context, {
      pool,
      resourceId: volumeId,
      kind: 'volume',
      sizeGiB,
      extraSpecs: volumeType.extraSpecs,
    });
  },
  undo: async (context) => {
    if (!(await isPublished(context))) await returnClaim(context, context.output<Placed>('place').pool);
  },
};

/** Only this operation can give the volume its pool. Where it has one, nothing is taken back: a deletion will see to it. */
const isPublished = async (context: Context): Promise<boolean> =>
  (await loadVolume(context, context.operation.input.volumeId)).pool !== null;

const provision: Step<Input> = {
  name: 'provision',
  effect: 'world',
  timeoutMs: 3_600_000,
  attempts: 1,
  intent: async ({ operation, output }): Promise<Provision> => {
    const { pool } = output<Placed>('place');
    const { volumeId, sizeGiB } = operation.input;
    return { pool, volume: backendVolumeOf({ id: volumeId, name: `volume-${volumeId}`, sizeGiB, pool }) };
  },
  run: async (context): Promise<Provisioned> => {
    const { pool, volume } = context.intent as Provision;
    const { driver, context: call, availabilityZone, serviceUuid } = workerFor(context, pool);
    const made = await make(context.operation.input, volume, driver, call);
    return { ...made, availabilityZone, serviceUuid };
  },
  undo: async (context) => {
    const intent = context.intent as Provision | undefined;
    if (intent === undefined || (await isPublished(context))) return;
    const { driver, context: call } = workerFor(context, intent.pool);
    await driver.deleteVolume(intent.volume, call);
  },
};

function make(
  { source }: Input,
  volume: BackendVolume,
  driver: StorageDriver,
  call: CallContext,
): Promise<BackendObject> {
  switch (source.kind) {
    case 'empty':
      return driver.createVolume(volume, call);
    case 'snapshot': {
      const snapshot: BackendSnapshot = {
        ...backendVolumeOf({
          id: source.snapshotId,
          name: source.backendName,
          sizeGiB: source.sizeGiB,
          pool: source.pool,
        }),
        volumeName: `volume-${source.volumeId}`,
      };
      return driver.createVolumeFromSnapshot(volume, snapshot, call);
    }
    case 'volume': {
      const from = { id: source.volumeId, name: source.backendName, sizeGiB: source.sizeGiB, pool: source.pool };
      return driver.createClonedVolume(volume, backendVolumeOf(from), call);
    }
    default:
      source satisfies never;
      throw new StepError({ code: 'Unexpected', message: 'unknown source' }, 'never');
  }
}

/** The volume becomes available, and what was taken for it stays taken. */
const publish: Step<Input> = {
  name: 'publish',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: untilDone,
  run: async (context) => {
    const { operation, output } = context;
    const { operationId, volumeId, projectId } = operation.input;
    const { pool } = output<Placed>('place');
    const outcome = { operationId, pool, ...output<Provisioned>('provision'), sharedTargets: false };
    const complete = { type: 'CompleteVolumeCreation', outcome } as const;
    const published = await context.sendOnce(volumeAggregate, volumeStream(volumeId), complete);
    if (published.events.length === 0) throw notOwner(operationId, 'volume');
    await Promise.all([settleQuota(context, projectId), settleClaim(context, pool), unpin(context)]);
  },
};

/** The volume stays, in error, and stays charged until it is deleted, as in the original. */
const markVolumeError: Step<Input> = {
  name: 'mark-volume-error',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: 10,
  run: async (context) => {
    const { operation, send, reason } = context;
    const { operationId, volumeId, projectId } = operation.input;
    const why = reason ?? { code: 'Unknown', message: 'no reason was recorded' };
    await send(volumeAggregate, volumeStream(volumeId), { type: 'FailVolumeCreation', operationId, reason: why });
    await settleQuota(context, projectId);
    if (await isPublished(context)) await settleClaim(context, context.output<Placed>('place').pool);
  },
};

/** contract/sagas.md §1 from the scheduler on; a failed build goes to another pool (contract/scheduler.md §7). */
export const createVolume = defineOperation<Input>({
  kind: 'create-volume',
  version: 1,
  startedBy: 'VolumeCreationRequested',
  projectId: (input) => input.projectId,
  pool: ({ output }) => output<Placed | undefined>('place')?.pool ?? null,
  resource: ({ volumeId }) => ({ type: 'volume', id: volumeId, volumeId }),
  steps: [
    forEach(sourceToPin, () => pin),
    forEach(sourceToPin, () => stopFormerOfSource),
    place,
    claim,
    provision,
    publish,
  ],
  retry: { when: ['claim', 'provision'], from: 'place', attempts: ({ placement }) => placement.maxAttempts() },
  failed: [markVolumeError],
});
