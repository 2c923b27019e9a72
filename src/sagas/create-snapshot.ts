import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import type { VolumeEventOf } from '../domain/volume/events.ts';
import type { BackendObject, BackendSnapshot } from '../drivers/storage/driver.ts';
import { loadVolume, notOwner, poolNameOf, workerFor } from './backend.ts';
import { claimCapacity, returnClaim, settleClaim, settleQuota } from './ledgers.ts';
import { defineOperation, type Step, type StepContext, untilDone } from './operation.ts';
import { stopFormerOfVolume } from './stop-former.ts';

type Input = VolumeEventOf<'SnapshotCreationRequested'>['data'];

const claim: Step<Input> = {
  name: 'claim',
  effect: 'command',
  timeoutMs: 30_000,
  attempts: 5,
  run: async (context) => {
    const { pool, snapshotId, sizeGiB, volumeId } = context.operation.input;
    const { extraSpecs } = await loadVolume(context, volumeId);
    await claimCapacity(context, { pool, resourceId: snapshotId, kind: 'snapshot', sizeGiB, extraSpecs });
  },
  undo: async (context) => {
    if (!(await isPublished(context))) await returnClaim(context, context.operation.input.pool);
  },
};

/** Only this operation can give the snapshot its name, and nobody deletes one that it has yet to finish. */
const isPublished = async (context: StepContext<Input>): Promise<boolean> => {
  const { volumeId, snapshotId } = context.operation.input;
  const snapshot = (await loadVolume(context, volumeId)).snapshots[snapshotId];
  return snapshot === undefined || snapshot.backendName !== null;
};

const snapshot: Step<Input> = {
  name: 'snapshot',
  effect: 'world',
  timeoutMs: 3_600_000,
  attempts: 1,
  intent: async ({ operation }): Promise<BackendSnapshot> => {
    const { snapshotId, volumeBackendName, sizeGiB, pool } = operation.input;
    return {
      id: snapshotId,
      name: `snapshot-${snapshotId}`,
      volumeName: volumeBackendName,
      sizeGiB,
      pool: poolNameOf(pool),
    };
  },
  run: async (context): Promise<BackendObject> => {
    const { driver, context: call } = workerFor(context, context.operation.input.pool);
    return driver.createSnapshot(context.intent as BackendSnapshot, call);
  },
  undo: async (context) => {
    if (context.intent === undefined || (await isPublished(context))) return;
    const { driver, context: call } = workerFor(context, context.operation.input.pool);
    await driver.deleteSnapshot(context.intent as BackendSnapshot, call);
  },
};

const publish: Step<Input> = {
  name: 'publish',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: untilDone,
  run: async (context) => {
    const { operationId, volumeId, snapshotId, projectId, pool } = context.operation.input;
    const outcome = { snapshotId, operationId, ...context.output<BackendObject>('snapshot') };
    const published = await context.sendOnce(volumeAggregate, volumeStream(volumeId), {
      type: 'CompleteSnapshotCreation',
      outcome,
    });
    if (published.events.length === 0) throw notOwner(operationId, 'snapshot');
    await Promise.all([settleQuota(context, projectId), settleClaim(context, pool)]);
  },
};

/** The snapshot stays, in error, and stays charged until it is deleted. */
const markSnapshotError: Step<Input> = {
  name: 'mark-snapshot-error',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: 10,
  run: async (context) => {
    const { operationId, volumeId, snapshotId, projectId, pool } = context.operation.input;
    const reason = context.reason ?? { code: 'Unknown', message: 'no reason was recorded' };
    await context.send(volumeAggregate, volumeStream(volumeId), {
      type: 'FailSnapshotCreation',
      snapshotId,
      operationId,
      reason,
    });
    await settleQuota(context, projectId);
    if (await isPublished(context)) await settleClaim(context, pool);
  },
};

/** contract/sagas.md §7, create. The room of a snapshot is claimed on the pool's ledger as a volume's is. */
export const createSnapshot = defineOperation<Input>({
  kind: 'create-snapshot',
  version: 1,
  startedBy: 'SnapshotCreationRequested',
  projectId: (input) => input.projectId,
  pool: ({ input }) => input.pool,
  resource: ({ snapshotId, volumeId }) => ({ type: 'snapshot', id: snapshotId, volumeId }),
  steps: [stopFormerOfVolume, claim, snapshot, publish],
  failed: [markSnapshotError],
});
