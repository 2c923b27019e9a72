import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import type { GiB } from '../domain/kernel/units.ts';
import { addAmounts, amountsOfSnapshot, amountsOfVolume } from '../domain/quota/amounts.ts';
import type { Amounts } from '../domain/quota/events.ts';
import type { VolumeEventOf } from '../domain/volume/events.ts';
import type { BackendVolume } from '../drivers/storage/driver.ts';
import { backendVolumeOf, loadOwned, loadVolume, notOwner, workerFor } from './backend.ts';
import { returnCapacity, returnQuota } from './ledgers.ts';
import { defineOperation, forEach, type Step, type StepContext, untilDone } from './operation.ts';
import { deleteSnapshotFound, type SnapshotFound, snapshotFound } from './snapshot-on-backend.ts';
import { stopFormer } from './stop-former.ts';

type Input = VolumeEventOf<'VolumeDeletionRequested'>['data'];

/** What there is to delete and to give back, as it stood when the former operations had ended. */
interface Inventory {
  readonly projectId: string;
  readonly sizeGiB: GiB;
  readonly volumeTypeId: string;
  /** Null where the volume was never built, or its building was undone. */
  readonly pool: string | null;
  readonly volume: BackendVolume | null;
  readonly snapshots: readonly SnapshotFound[];
}

const inventory: Step<Input> = {
  name: 'inventory',
  effect: 'none',
  timeoutMs: 30_000,
  attempts: 1,
  run: async (context): Promise<Inventory> => {
    const volume = await loadVolume(context, context.operation.input.volumeId);
    const { id, projectId, sizeGiB, volumeTypeId, pool, backendName } = volume;
    const built = pool !== null && backendName !== null;
    const snapshots = context.operation.input.snapshotIds.flatMap(
      (snapshotId) => snapshotFound(volume, snapshotId) ?? [],
    );
    return {
      projectId,
      sizeGiB,
      volumeTypeId,
      pool,
      volume: built ? backendVolumeOf({ id, name: backendName, sizeGiB, pool }) : null,
      snapshots,
    };
  },
};

/** A snapshot that goes with its volume; it counts as gone, and is given back, when the deletion ends. */
const deleteSnapshotOf = (snapshotId: string): Step<Input> => ({
  name: `delete-snapshot:${snapshotId}`,
  effect: 'world',
  timeoutMs: 3_600_000,
  attempts: 5,
  run: async (context) => {
    const found = context
      .output<Inventory>('inventory')
      .snapshots.find((snapshot) => snapshot.snapshotId === snapshotId);
    if (found === undefined) return;
    await loadOwned(context);
    await deleteSnapshotFound(context, found);
  },
});

/** Whether the backend has lost this snapshot to this operation. */
const isSnapshotGone = (context: StepContext<Input>, snapshotId: string): boolean =>
  context.output<unknown>(`delete-snapshot:${snapshotId}`) !== undefined;

const deleteOnBackend: Step<Input> = {
  name: 'delete',
  effect: 'world',
  timeoutMs: 3_600_000,
  attempts: 5,
  run: async (context) => {
    const { pool, volume } = context.output<Inventory>('inventory');
    if (pool === null || volume === null) return;
    await loadOwned(context);
    const { driver, context: call } = workerFor(context, pool);
    await driver.removeExport(volume, call);
    await driver.deleteVolume(volume, call);
  },
};

/**
 * The volume is gone, its snapshots with it, in one append: a take-over in between would leave nobody to give back what
 * is gone already. Then, and only then, both ledgers get back what they held.
 */
const finish: Step<Input> = {
  name: 'finish',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: untilDone,
  run: async (context) => {
    const { operationId, volumeId } = context.operation.input;
    const gone = await context.sendOnce(volumeAggregate, volumeStream(volumeId), {
      type: 'CompleteVolumeDeletion',
      operationId,
    });
    if (gone.events.length === 0) throw notOwner(operationId, 'volume');
    const taken = context.output<Inventory>('inventory');
    await giveBack(context, taken, taken.snapshots);
  },
};

/**
 * Sums over the volume and what went with it, by project: a snapshot may have been charged to another one. `volume`
 * null: it is still there, and only snapshots are gone.
 */
async function giveBack(
  context: StepContext<Input>,
  volume: Inventory | null,
  snapshots: readonly SnapshotFound[],
): Promise<void> {
  const byProject = new Map<string, Amounts>();
  if (volume !== null) byProject.set(volume.projectId, amountsOfVolume(volume.sizeGiB, volume.volumeTypeId));
  for (const snapshot of snapshots) {
    const before = byProject.get(snapshot.projectId) ?? {};
    byProject.set(snapshot.projectId, addAmounts(before, amountsOfSnapshot(snapshot.sizeGiB, snapshot.volumeTypeId)));
  }
  const returns = [...byProject].map(([project, amounts]) => returnQuota(context, project, amounts, 'deleted'));
  const pool = volume?.pool ?? snapshots[0]?.pool ?? null;
  if (pool !== null) {
    const built = snapshots.filter((snapshot) => snapshot.onBackend !== null);
    const snapshotsGiB = built.reduce((sum, snapshot) => sum + snapshot.sizeGiB, 0);
    const ofVolume = { volumesGiB: volume?.sizeGiB ?? 0, volumes: volume === null ? 0 : 1 };
    returns.push(returnCapacity(context, pool, { ...ofVolume, snapshotsGiB, snapshots: built.length }));
  }
  await Promise.all(returns);
}

const markDeletionFailed: Step<Input> = {
  name: 'mark-deletion-failed',
  effect: 'command',
  timeoutMs: 60_000,
  attempts: 10,
  run: async (context) => {
    const { operationId, volumeId, snapshotIds } = context.operation.input;
    const reason = context.reason ?? { code: 'Unknown', message: 'no reason was recorded' };
    const busy = reason.code === 'BackendBusy';
    const goneSnapshotIds = snapshotIds.filter((snapshotId) => isSnapshotGone(context, snapshotId));
    const command = { type: 'FailVolumeDeletion', operationId, busy, reason, goneSnapshotIds } as const;
    const { events } = await context.sendOnce(volumeAggregate, volumeStream(volumeId), command);
    // Taken over, what is gone is still there in name, and the next owner's to give back.
    const gone = events.flatMap((event) => (event.type === 'SnapshotDeleted' ? [event.data.snapshotId] : []));
    if (gone.length === 0) return;
    const { snapshots } = context.output<Inventory>('inventory');
    await giveBack(
      context,
      null,
      snapshots.filter(({ snapshotId }) => gone.includes(snapshotId)),
    );
  },
};

/** contract/sagas.md §2. Nothing is undone: what is gone is gone, and the deletion of the rest may be asked for again. */
export const deleteVolume = defineOperation<Input>({
  kind: 'delete-volume',
  version: 1,
  startedBy: 'VolumeDeletionRequested',
  projectId: (input) => input.projectId,
  pool: ({ output }) => output<Inventory | undefined>('inventory')?.pool ?? null,
  resource: ({ volumeId }) => ({ type: 'volume', id: volumeId, volumeId }),
  steps: [stopFormer, inventory, forEach(({ snapshotIds }) => snapshotIds, deleteSnapshotOf), deleteOnBackend, finish],
  failed: [markDeletionFailed],
});
