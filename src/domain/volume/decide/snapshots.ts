import { accepted, rejected } from '../../kernel/decider.ts';
import { reject } from '../../kernel/rejection.ts';
import type { VolumeEvent } from '../events.ts';
import type { LiveVolume, Snapshot } from '../state.ts';
import { SNAPSHOT_STATUSES, type SnapshotStatus } from '../statuses.ts';
import {
  isAllowed,
  isMigrating,
  namesOf,
  SNAPSHOT_STATUS_UPDATES,
  SNAPSHOT_TRANSITIONS,
  VOLUME_TRANSITIONS,
} from '../transitions.ts';
import { FROZEN, snapshotDeleted } from './lifecycle.ts';
import { type Command, deletionFailed, endingsOf, owns, refuse, type VolumeDecision } from './ownership.ts';

/** contract/states.json snapshot.create: the volume's status does not change. */
export function createSnapshot(command: Command<'CreateSnapshot'>, volume: LiveVolume): VolumeDecision {
  const { pool, backendName } = volume;
  if (command.backendFrozen) return refuse('InvalidInput', FROZEN);
  if (pool === null || backendName === null) {
    const reason = 'The snapshot cannot be created because volume has not been scheduled to any host.';
    return refuse('InvalidVolume', reason);
  }
  if (isMigrating(volume.migrationStatus)) {
    return refuse('InvalidVolume', 'Snapshot cannot be created while volume is migrating.');
  }
  const rule = VOLUME_TRANSITIONS.CreateSnapshot;
  if (!isAllowed(rule, volume.status, command.inUseAllowed)) {
    const statuses = namesOf(
      command.inUseAllowed ? [...rule.from, ...rule.alsoFrom.map(({ status }) => status)] : rule.from,
    );
    const reason = `Volume ${volume.id} status must be ${statuses}, but current status is: ${volume.status}.`;
    return refuse('InvalidVolume', reason);
  }
  const { snapshotId, operationId, projectId, userId, name, description, metadata } = command;
  return accepted({
    type: 'SnapshotCreationRequested',
    data: {
      volumeId: volume.id,
      snapshotId,
      operationId,
      projectId,
      userId,
      name,
      description,
      metadata,
      sizeGiB: volume.sizeGiB,
      volumeTypeId: volume.volumeTypeId,
      pool,
      volumeBackendName: backendName,
      availabilityZone: volume.availabilityZone,
    },
  });
}

export function completeSnapshotCreation(
  { outcome }: Command<'CompleteSnapshotCreation'>,
  volume: LiveVolume,
): VolumeDecision {
  if (!snapshotOwnedBy(volume, outcome.snapshotId, outcome.operationId, 'create-snapshot')) return accepted();
  return accepted({ type: 'SnapshotCreated', data: { ...outcome, volumeId: volume.id } });
}

export function failSnapshotCreation(command: Command<'FailSnapshotCreation'>, volume: LiveVolume): VolumeDecision {
  const { snapshotId, operationId, reason } = command;
  if (!snapshotOwnedBy(volume, snapshotId, operationId, 'create-snapshot')) return accepted();
  return accepted({ type: 'SnapshotCreationFailed', data: { volumeId: volume.id, snapshotId, operationId, reason } });
}

/** contract/states.json snapshot.delete and snapshot.force-delete. */
export function deleteSnapshot(command: Command<'DeleteSnapshot'>, volume: LiveVolume): VolumeDecision {
  const { snapshotId, operationId, force } = command;
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return snapshotNotFound(snapshotId);
  if (command.backendFrozen) return refuse('InvalidInput', FROZEN);
  const rule = force ? SNAPSHOT_TRANSITIONS.ForceDeleteSnapshot : SNAPSHOT_TRANSITIONS.DeleteSnapshot;
  if (!isAllowed(rule, snapshot.status)) {
    const reason = `Snapshot status must be ${namesOf(rule.from)} to delete, but current status is ${snapshot.status}.`;
    return refuse('InvalidSnapshot', reason);
  }
  if (!force && snapshot.owner !== null) {
    const reason = `Snapshot ${snapshotId} is still being worked on by operation ${snapshot.owner.operationId}.`;
    return refuse('InvalidSnapshot', reason);
  }
  const reader = Object.values(volume.pins).find((pin) => pin.snapshotId === snapshotId);
  if (reader !== undefined) {
    const reason = `Snapshot ${snapshotId} must stay while volume ${reader.readerVolumeId} is being made from it.`;
    return refuse('InvalidSnapshot', reason, { operationId: reader.operationId });
  }
  return accepted<VolumeEvent>(...endingsOf(volume, snapshot.owner, snapshotId), {
    type: 'SnapshotDeletionRequested',
    data: {
      volumeId: volume.id,
      snapshotId,
      operationId,
      projectId: snapshot.projectId,
      force,
      takesOver: formerOwnerOf(snapshot),
    },
  });
}

/** Sent by the operation that deletes the snapshot, or by the one that deletes the volume it goes with. */
export function completeSnapshotDeletion(
  { snapshotId, operationId }: Command<'CompleteSnapshotDeletion'>,
  volume: LiveVolume,
): VolumeDecision {
  const snapshot = snapshotOwnedBy(volume, snapshotId, operationId, 'delete-snapshot', 'delete');
  return snapshot === null ? accepted() : accepted(snapshotDeleted(volume, snapshot, operationId));
}

export function failSnapshotDeletion(command: Command<'FailSnapshotDeletion'>, volume: LiveVolume): VolumeDecision {
  const { snapshotId, operationId, busy, reason } = command;
  const snapshot = snapshotOwnedBy(volume, snapshotId, operationId, 'delete-snapshot', 'delete');
  return snapshot === null ? accepted() : accepted(deletionFailed(volume, snapshot, operationId, busy, reason));
}

/** contract/states.json snapshot.update-status. */
export function updateSnapshotStatus(command: Command<'UpdateSnapshotStatus'>, volume: LiveVolume): VolumeDecision {
  const { snapshotId, progress } = command;
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return snapshotNotFound(snapshotId);
  const reachable = SNAPSHOT_STATUS_UPDATES[snapshot.status];
  if (reachable === undefined) {
    return refuse('InvalidSnapshot', `Snapshot status ${snapshot.status} not allowed for update_snapshot_status`);
  }
  const status = reachable.find((one) => one === command.status);
  if (status === undefined) {
    const reason = `Provided snapshot status ${command.status} not allowed for snapshot with status ${snapshot.status}.`;
    return refuse('InvalidSnapshot', reason);
  }
  return accepted({ type: 'SnapshotStatusUpdated', data: { volumeId: volume.id, snapshotId, status, progress } });
}

/** contract/states.json snapshot.reset-status: whatever worked on it has lost it. */
export function resetSnapshotStatus(command: Command<'ResetSnapshotStatus'>, volume: LiveVolume): VolumeDecision {
  const { snapshotId } = command;
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return snapshotNotFound(snapshotId);
  const asked = command.status.toLowerCase();
  const status: SnapshotStatus | undefined = SNAPSHOT_STATUSES.find((one) => one === asked);
  if (status === undefined) {
    const reason = `Snapshot status: ${command.status} is invalid, valid statuses are: ${SNAPSHOT_STATUSES.join(', ')}.`;
    return refuse('InvalidInput', reason);
  }
  return accepted<VolumeEvent>(...endingsOf(volume, snapshot.owner, snapshotId), {
    type: 'SnapshotStatusReset',
    data: { volumeId: volume.id, snapshotId, status, takesOver: formerOwnerOf(snapshot) },
  });
}

export const snapshotNotFound = (snapshotId: string): VolumeDecision =>
  rejected(reject('SnapshotNotFound', { id: snapshotId }));

const formerOwnerOf = ({ owner }: Snapshot): string[] => (owner === null ? [] : [owner.operationId]);

function snapshotOwnedBy(
  volume: LiveVolume,
  snapshotId: string,
  operationId: string,
  ...kinds: Parameters<typeof owns>[2][]
): Snapshot | null {
  const snapshot = volume.snapshots[snapshotId];
  return snapshot !== undefined && owns(snapshot.owner, operationId, ...kinds) ? snapshot : null;
}
