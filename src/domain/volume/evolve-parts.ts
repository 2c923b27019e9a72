import type { VolumeEvent, VolumeEventOf } from './events.ts';
import type { LiveVolume, Snapshot } from './state.ts';
import type { VolumeStatus } from './statuses.ts';

/** What some event changes of the volume: the pieces of `evolve` that touch one entry of a record. */
type Change = Partial<LiveVolume>;

type Data<Type extends VolumeEvent['type']> = VolumeEventOf<Type>['data'];

/** A copy of a record without one entry; the record itself where there is none. */
function without<Value>(record: Readonly<Record<string, Value>>, key: string): Readonly<Record<string, Value>> {
  if (!Object.hasOwn(record, key)) return record;
  const { [key]: _, ...rest } = record;
  return rest;
}

export function withSnapshot(volume: LiveVolume, snapshotId: string, change: Partial<Snapshot>): Change {
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return {};
  return { snapshots: { ...volume.snapshots, [snapshotId]: { ...snapshot, ...change } } };
}

export function withSnapshotRequested(volume: LiveVolume, data: Data<'SnapshotCreationRequested'>): Change {
  const ordinal = volume.snapshotsMade + 1;
  const snapshot: Snapshot = {
    id: data.snapshotId,
    projectId: data.projectId,
    userId: data.userId,
    name: data.name,
    description: data.description,
    metadata: data.metadata,
    sizeGiB: data.sizeGiB,
    volumeTypeId: data.volumeTypeId,
    status: 'creating',
    progress: null,
    backendName: null,
    owner: { operationId: data.operationId, kind: 'create-snapshot' },
    ordinal,
  };
  return { snapshots: { ...volume.snapshots, [data.snapshotId]: snapshot }, snapshotsMade: ordinal };
}

export const withoutSnapshot = (volume: LiveVolume, snapshotId: string): Change => ({
  snapshots: without(volume.snapshots, snapshotId),
});

/** The operation that deletes the volume owns the snapshots that go with it. */
export function withDeletionRequested(volume: LiveVolume, data: Data<'VolumeDeletionRequested'>): Change {
  const owner = { operationId: data.operationId, kind: 'delete' } as const;
  // a second deletion takes over the first: what was before both is what a busy backend leads back to
  const previousStatus = volume.status === 'deleting' ? volume.previousStatus : volume.status;
  const change: Change = { status: data.status, previousStatus, extendingToGiB: null, owner };
  if (data.snapshotIds.length === 0) return change;
  const snapshots: Record<string, Snapshot> = { ...volume.snapshots };
  for (const snapshotId of data.snapshotIds) {
    const snapshot = snapshots[snapshotId];
    if (snapshot !== undefined) snapshots[snapshotId] = { ...snapshot, status: 'deleting', owner };
  }
  return { ...change, snapshots };
}

export const withExtensionEnded = (status: VolumeStatus): Change => ({
  status,
  previousStatus: null,
  extendingToGiB: null,
  owner: null,
});

export const withReverted = (volume: LiveVolume, snapshotId: string, status: 'available' | 'error'): Change => ({
  ...withSnapshot(volume, snapshotId, { status: 'available', owner: null }),
  status,
  owner: null,
});

export const withPin = (
  volume: LiveVolume,
  { operationId, readerVolumeId, snapshotId }: Data<'VolumePinned'>,
): Change => ({
  pins: { ...volume.pins, [operationId]: { operationId, readerVolumeId, snapshotId } },
});

export const withUnpinned = (volume: LiveVolume, operationId: string): Change => ({
  pins: without(volume.pins, operationId),
});

/** The first attachment writes out that the volume is writable (contract/states.json volume.attach). */
export function withAttached(volume: LiveVolume, data: Data<'VolumeAttached'>): Change {
  const { attachmentId: id, instanceId, hostName, mountpoint, mode } = data;
  return {
    status: 'in-use',
    attachStatus: 'attached',
    attachedMode: mode,
    readonly: volume.readonly ?? false,
    attachments: { ...volume.attachments, [id]: { id, instanceId, hostName, mountpoint, mode } },
  };
}

export function withDetached(volume: LiveVolume, { attachmentIds, status }: Data<'VolumeDetached'>): Change {
  const attachments = attachmentIds.reduce(without, volume.attachments);
  const attachStatus = Object.keys(attachments).length > 0 ? 'attached' : 'detached';
  return { status, attachStatus, attachments, attachedMode: null };
}

export function withTransferAccepted(volume: LiveVolume, data: Data<'TransferAccepted'>): Change {
  const owned = { projectId: data.toProjectId, userId: data.toUserId };
  const change: Change = { ...owned, status: 'available', transfer: null };
  if (data.snapshotIds.length === 0) return change;
  const snapshots: Record<string, Snapshot> = { ...volume.snapshots };
  for (const snapshotId of data.snapshotIds) {
    const snapshot = snapshots[snapshotId];
    if (snapshot !== undefined) snapshots[snapshotId] = { ...snapshot, ...owned };
  }
  return { ...change, snapshots };
}
