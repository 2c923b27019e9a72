import { accepted } from '../../kernel/decider.ts';
import type { LiveVolume } from '../state.ts';
import { isAllowed, SNAPSHOT_TRANSITIONS, VOLUME_TRANSITIONS } from '../transitions.ts';
import { type Command, owns, refuse, snapshotsOf, type VolumeDecision } from './ownership.ts';

/** contract/states.json volume.revert: a wrong status is a conflict, an unfit snapshot is bad input. */
export function revertToSnapshot(command: Command<'RevertToSnapshot'>, volume: LiveVolume): VolumeDecision {
  const { operationId, snapshotId } = command;
  const newest = snapshotsOf(volume).at(-1);
  if (newest === undefined) return refuse('InvalidSnapshot', `Volume ${volume.id} doesn't have any snapshots.`);
  if (newest.id !== snapshotId) {
    const reason = `Specified snapshot ${snapshotId} is None or not the latest one of volume ${volume.id}.`;
    return refuse('InvalidSnapshot', reason);
  }
  const what = `Can't revert volume ${volume.id} to its latest snapshot ${snapshotId}.`;
  if (newest.sizeGiB !== volume.sizeGiB) {
    return refuse('InvalidSnapshot', `${what} The volume size must be equal to the snapshot size.`);
  }
  if (!isAllowed(VOLUME_TRANSITIONS.RevertToSnapshot, volume.status)) {
    return refuse('Conflict', `${what} Volume's status must be 'available'.`);
  }
  const usable = newest.owner === null && newest.backendName !== null;
  if (!isAllowed(SNAPSHOT_TRANSITIONS.RevertToSnapshot, newest.status) || !usable) {
    return refuse('Conflict', `${what} Snapshot's status must be 'available'.`);
  }
  const reader = Object.values(volume.pins).find((pin) => pin.snapshotId === null);
  if (reader !== undefined) {
    return refuse('Conflict', `${what} Volume ${reader.readerVolumeId} is being made from it.`);
  }
  return accepted({
    type: 'VolumeRevertRequested',
    data: { volumeId: volume.id, operationId, projectId: volume.projectId, snapshotId },
  });
}

export function completeRevert({ operationId }: Command<'CompleteRevert'>, volume: LiveVolume): VolumeDecision {
  const snapshotId = revertedSnapshot(volume, operationId);
  if (snapshotId === null) return accepted();
  return accepted({ type: 'VolumeReverted', data: { volumeId: volume.id, operationId, snapshotId } });
}

export function failRevert({ operationId, reason }: Command<'FailRevert'>, volume: LiveVolume): VolumeDecision {
  const snapshotId = revertedSnapshot(volume, operationId);
  if (snapshotId === null) return accepted();
  return accepted({ type: 'VolumeRevertFailed', data: { volumeId: volume.id, operationId, snapshotId, reason } });
}

/** The snapshot that this operation reverts to, which it owns as it owns the volume; null when it owns neither. */
const revertedSnapshot = (volume: LiveVolume, operationId: string): string | null =>
  snapshotsOf(volume).find(({ owner }) => owns(owner, operationId, 'revert'))?.id ?? null;
