import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import { amountsOfSnapshot } from '../domain/quota/amounts.ts';
import type { VolumeEventOf } from '../domain/volume/events.ts';
import { loadOwned, loadVolume, notOwner } from './backend.ts';
import { returnCapacity, returnQuota } from './ledgers.ts';
import { defineOperation, type Step, untilDone } from './operation.ts';
import { deleteSnapshotFound, type SnapshotFound, snapshotFound } from './snapshot-on-backend.ts';
import { stopFormer } from './stop-former.ts';

type Input = VolumeEventOf<'SnapshotDeletionRequested'>['data'];

const inventory: Step<Input> = {
  name: 'inventory',
  effect: 'none',
  timeoutMs: 30_000,
  attempts: 1,
  run: async (context) => {
    const { volumeId, snapshotId } = context.operation.input;
    return snapshotFound(await loadVolume(context, volumeId), snapshotId);
  },
};

const deleteOnBackend: Step<Input> = {
  name: 'delete',
  effect: 'world',
  timeoutMs: 3_600_000,
  attempts: 5,
  run: async (context) => {
    const found = context.output<SnapshotFound | null>('inventory');
    if (found === null) return;
    await loadOwned(context, found.snapshotId);
    await deleteSnapshotFound(context, found);
  },
};

const finish: Step<Input> = {
  name: 'finish',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: untilDone,
  run: async (context) => {
    const { operationId, volumeId, snapshotId } = context.operation.input;
    const found = context.output<SnapshotFound | null>('inventory');
    if (found === null) return;
    const command = { type: 'CompleteSnapshotDeletion', snapshotId, operationId } as const;
    const gone = await context.sendOnce(volumeAggregate, volumeStream(volumeId), command);
    if (gone.events.length === 0) throw notOwner(operationId, 'snapshot');
    const { projectId, sizeGiB, volumeTypeId, pool, onBackend } = found;
    const returns = [returnQuota(context, projectId, amountsOfSnapshot(sizeGiB, volumeTypeId), 'deleted')];
    if (pool !== null && onBackend !== null) {
      returns.push(returnCapacity(context, pool, { volumesGiB: 0, volumes: 0, snapshotsGiB: sizeGiB, snapshots: 1 }));
    }
    await Promise.all(returns);
  },
};

const markDeletionFailed: Step<Input> = {
  name: 'mark-deletion-failed',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: 10,
  run: async ({ operation, send, reason }) => {
    const { operationId, volumeId, snapshotId } = operation.input;
    const why = reason ?? { code: 'Unknown', message: 'no reason was recorded' };
    const busy = why.code === 'BackendBusy';
    await send(volumeAggregate, volumeStream(volumeId), {
      type: 'FailSnapshotDeletion',
      snapshotId,
      operationId,
      busy,
      reason: why,
    });
  },
};

/** contract/sagas.md §7, delete. */
export const deleteSnapshot = defineOperation<Input>({
  kind: 'delete-snapshot',
  version: 1,
  startedBy: 'SnapshotDeletionRequested',
  projectId: (input) => input.projectId,
  pool: ({ output }) => output<SnapshotFound | null | undefined>('inventory')?.pool ?? null,
  resource: ({ snapshotId, volumeId }) => ({ type: 'snapshot', id: snapshotId, volumeId }),
  steps: [stopFormer, inventory, deleteOnBackend, finish],
  failed: [markDeletionFailed],
});
