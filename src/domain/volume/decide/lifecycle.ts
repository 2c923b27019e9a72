import { accepted } from '../../kernel/decider.ts';
import type { VolumeEvent } from '../events.ts';
import type { LiveVolume, Snapshot } from '../state.ts';
import { isAllowed, isMigrating, namesOf, SNAPSHOT_TRANSITIONS, VOLUME_TRANSITIONS } from '../transitions.ts';
import {
  type Command,
  deletionFailed,
  owns,
  refuse,
  snapshotsOf,
  statusAfterBusy,
  type VolumeDecision,
} from './ownership.ts';
import { transferDeleted } from './transfer.ts';

export const FROZEN = 'Modification operations are not allowed on frozen storage backends.';

export function completeCreation({ outcome }: Command<'CompleteVolumeCreation'>, volume: LiveVolume): VolumeDecision {
  if (!owns(volume.owner, outcome.operationId, 'create')) return accepted();
  return accepted({ type: 'VolumeCreated', data: { ...outcome, volumeId: volume.id } });
}

export function failCreation(command: Command<'FailVolumeCreation'>, volume: LiveVolume): VolumeDecision {
  const { operationId, reason } = command;
  if (!owns(volume.owner, operationId, 'create')) return accepted();
  return accepted({ type: 'VolumeCreationFailed', data: { volumeId: volume.id, operationId, reason } });
}

/** contract/states.json volume.delete and volume.force-delete: force lifts the test of the status and nothing else. */
export function deleteVolume(command: Command<'DeleteVolume'>, volume: LiveVolume): VolumeDecision {
  const { operationId, force, cascade } = command;
  const neverPlaced = volume.pool === null && volume.owner === null;
  const rule = force ? VOLUME_TRANSITIONS.ForceDeleteVolume : VOLUME_TRANSITIONS.DeleteVolume;
  if (!isAllowed(rule, volume.status, neverPlaced)) {
    const statuses = namesOf(rule.from);
    return refuse(
      'InvalidVolume',
      `Volume status must be ${statuses} to delete, but current status is ${volume.status}.`,
    );
  }
  const refusal = neverPlaced ? null : hindranceToDelete(command, volume);
  if (refusal !== null) return refusal;

  const snapshots = cascade ? snapshotsOf(volume) : [];
  const owners = [volume, ...snapshots].flatMap(({ owner }) => (owner === null ? [] : [owner.operationId]));
  const offerEnds = volume.transfer === null ? [] : [transferDeleted(volume, volume.transfer.id)];
  return accepted<VolumeEvent>(...offerEnds, {
    type: 'VolumeDeletionRequested',
    data: {
      volumeId: volume.id,
      operationId,
      projectId: volume.projectId,
      cascade,
      force,
      snapshotIds: snapshots.map(({ id }) => id),
      takesOver: [...new Set(owners)],
      status: volume.status === 'error_managing' ? 'error_managing_deleting' : 'deleting',
    },
  });
}

function hindranceToDelete(command: Command<'DeleteVolume'>, volume: LiveVolume): VolumeDecision | null {
  if (command.backendFrozen) return refuse('InvalidInput', FROZEN);
  if (volume.attachStatus === 'attached') {
    return refuse('InvalidVolume', `Volume ${volume.id} must not be attached to be deleted.`);
  }
  if (isMigrating(volume.migrationStatus)) {
    return refuse(
      'InvalidVolume',
      `Volume ${volume.id} must not be migrating to be deleted: migration_status is ${volume.migrationStatus}.`,
    );
  }
  const pin = Object.values(volume.pins)[0];
  if (pin !== undefined) {
    const read = pin.snapshotId === null ? `Volume ${volume.id}` : `Snapshot ${pin.snapshotId}`;
    const reason = `${read} must stay while volume ${pin.readerVolumeId} is being made from it.`;
    if (pin.snapshotId === null || command.cascade)
      return refuse('InvalidVolume', reason, { operationId: pin.operationId });
  }
  const snapshots = snapshotsOf(volume);
  if (snapshots.length > 0 && !command.cascade) {
    return refuse(
      'InvalidVolume',
      `Volume ${volume.id} must not have snapshots to be deleted; it has ${snapshots.length}.`,
    );
  }
  if (command.force) return null;
  return snapshots.map((snapshot) => hindranceToCascade(command, snapshot)).find((refusal) => refusal !== null) ?? null;
}

function hindranceToCascade(command: Command<'DeleteVolume'>, snapshot: Snapshot): VolumeDecision | null {
  const rule = SNAPSHOT_TRANSITIONS.CascadeSnapshot;
  if (!isAllowed(rule, snapshot.status) || snapshot.owner !== null) {
    const reason = `Snapshot ${snapshot.id} must be ${namesOf(rule.from)} to be deleted with its volume, but it is ${snapshot.status}.`;
    return refuse('InvalidVolume', reason);
  }
  if (!command.callerIsAdmin && snapshot.projectId !== command.callerProjectId) {
    return refuse('InvalidVolume', `Snapshot ${snapshot.id} belongs to another project since a volume transfer.`);
  }
  return null;
}

/** A snapshot that is still there went with the volume: the backend has neither any more. */
export function completeDeletion(
  { operationId }: Command<'CompleteVolumeDeletion'>,
  volume: LiveVolume,
): VolumeDecision {
  if (!owns(volume.owner, operationId, 'delete')) return accepted();
  const { id: volumeId, projectId, sizeGiB, volumeTypeId, pool } = volume;
  const snapshots = snapshotsOf(volume).map((snapshot) => snapshotDeleted(volume, snapshot, operationId));
  return accepted<VolumeEvent>(...snapshots, {
    type: 'VolumeDeleted',
    data: { volumeId, operationId, projectId, sizeGiB, volumeTypeId, pool },
  });
}

export const snapshotDeleted = (volume: LiveVolume, snapshot: Snapshot, operationId: string): VolumeEvent => ({
  type: 'SnapshotDeleted',
  data: {
    volumeId: volume.id,
    snapshotId: snapshot.id,
    operationId,
    projectId: snapshot.projectId,
    sizeGiB: snapshot.sizeGiB,
    volumeTypeId: snapshot.volumeTypeId,
    backendName: snapshot.backendName,
  },
});

export function failDeletion(command: Command<'FailVolumeDeletion'>, volume: LiveVolume): VolumeDecision {
  const { operationId, busy, reason, goneSnapshotIds = [] } = command;
  if (!owns(volume.owner, operationId, 'delete')) return accepted();
  const ends = snapshotsOf(volume)
    .filter(({ owner }) => owns(owner, operationId, 'delete'))
    .map((snapshot) =>
      goneSnapshotIds.includes(snapshot.id)
        ? snapshotDeleted(volume, snapshot, operationId)
        : deletionFailed(volume, snapshot, operationId, busy, reason),
    );
  return accepted<VolumeEvent>(...ends, {
    type: 'VolumeDeletionFailed',
    data: {
      volumeId: volume.id,
      operationId,
      busy,
      reason,
      status: busy ? statusAfterBusy(volume) : 'error_deleting',
    },
  });
}
