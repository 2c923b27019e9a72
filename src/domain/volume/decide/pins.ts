import { accepted } from '../../kernel/decider.ts';
import type { LiveVolume } from '../state.ts';
import { isAllowed, SNAPSHOT_TRANSITIONS, VOLUME_TRANSITIONS } from '../transitions.ts';
import { type Command, refuse, type VolumeDecision } from './ownership.ts';
import { snapshotNotFound } from './snapshots.ts';

/** A new volume is about to be made from this one, or from a snapshot of it: neither may go away meanwhile. */
export function pinVolume(command: Command<'PinVolume'>, volume: LiveVolume): VolumeDecision {
  const { operationId, readerVolumeId, snapshotId } = command;
  if (Object.hasOwn(volume.pins, operationId)) return accepted();
  const refusal = snapshotId === null ? hindranceToClone(volume) : hindranceToRead(volume, snapshotId);
  if (refusal !== null) return refusal;
  return accepted({ type: 'VolumePinned', data: { volumeId: volume.id, operationId, readerVolumeId, snapshotId } });
}

function hindranceToClone(volume: LiveVolume): VolumeDecision | null {
  if (isAllowed(VOLUME_TRANSITIONS.PinVolume, volume.status) && volume.pool !== null) return null;
  const reason = `Source volume ${volume.id} status must be available or in-use, but current status is ${volume.status}.`;
  return refuse('InvalidVolume', reason);
}

function hindranceToRead(volume: LiveVolume, snapshotId: string): VolumeDecision | null {
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return snapshotNotFound(snapshotId);
  if (isAllowed(SNAPSHOT_TRANSITIONS.PinSnapshot, snapshot.status) && snapshot.backendName !== null) return null;
  const reason = `Snapshot ${snapshotId} status must be available, but current status is ${snapshot.status}.`;
  return refuse('InvalidSnapshot', reason);
}

/** An undo leaves its mark also where there is no pin: one that a former owner has sent then fails by its revision. */
export function unpinVolume(command: Command<'UnpinVolume'>, volume: LiveVolume): VolumeDecision {
  const { operationId, isUndo = false } = command;
  if (!isUndo && !Object.hasOwn(volume.pins, operationId)) return accepted();
  return accepted({ type: 'VolumeUnpinned', data: { volumeId: volume.id, operationId } });
}
