import { type Decision, rejected } from '../../kernel/decider.ts';
import { type RejectionCode, reject } from '../../kernel/rejection.ts';
import type { VolumeCommand } from '../commands.ts';
import type { FailureReason, VolumeEvent } from '../events.ts';
import type { Landed, LiveVolume, Owner, Snapshot, Volume } from '../state.ts';
import type { VolumeStatus } from '../statuses.ts';
import { ERROR_STATUSES } from '../transitions.ts';

/** The command of one type. */
export type Command<Type extends VolumeCommand['type']> = Extract<VolumeCommand, { type: Type }>;

export type VolumeDecision = Decision<VolumeEvent>;

/** A refusal with the sentence that names what stood in the way. */
export const refuse = (
  code: RejectionCode,
  reason: string,
  details: Readonly<Record<string, unknown>> = {},
): VolumeDecision => rejected(reject(code, { ...details, reason }));

/** Whether this operation owns the resource now, for this purpose. */
export const owns = (owner: Owner | null, operationId: string, ...kinds: readonly Owner['kind'][]): boolean =>
  owner !== null && owner.operationId === operationId && kinds.includes(owner.kind);

/** Whether the request that started this operation is in the stream. */
export const hasLanded = (state: Volume, operationId: string): boolean => landedAs(state, operationId) !== null;

/** The request that started this operation as it is in the stream; null where it is not. */
export function landedAs(state: Volume, operationId: string): Landed | null {
  for (let landed: Landed | null = state.landed; landed !== null; landed = landed.before) {
    if (landed.operationId === operationId) return landed;
  }
  return null;
}

/** The operations whose requests are in the stream before this one's. */
export function requestsBefore(state: Volume, operationId: string): ReadonlySet<string> {
  const before = new Set<string>();
  for (let landed = landedAs(state, operationId)?.before ?? null; landed !== null; landed = landed.before) {
    before.add(landed.operationId);
  }
  return before;
}

/** The live snapshots of a volume, oldest first. */
export const snapshotsOf = (volume: LiveVolume): readonly Snapshot[] =>
  Object.values(volume.snapshots).sort((one, other) => one.ordinal - other.ordinal);

export const isAttached = (volume: LiveVolume): boolean => Object.keys(volume.attachments).length > 0;

/** Status of a volume that nothing else is done with (contract/states.json `derived`). */
export const statusByAttachments = (volume: LiveVolume): VolumeStatus => (isAttached(volume) ? 'in-use' : 'available');

/** Where a volume goes back to when the backend was too busy to delete it: it does not get better by that. */
export function statusAfterBusy(volume: LiveVolume): VolumeStatus {
  if (volume.pool === null) return 'error';
  const { previousStatus } = volume;
  return previousStatus !== null && ERROR_STATUSES.includes(previousStatus)
    ? previousStatus
    : statusByAttachments(volume);
}

const TAKEN_OVER: FailureReason = { code: 'TakenOver', message: 'an administrator took the resource over' };

/**
 * What a take-over ends: everything this operation still owns takes the status of its failure, except the resource
 * that is taken over (`spared`: the volume's or a snapshot's id), which gets another owner, or none, at once.
 */
export function endingsOf(volume: LiveVolume, owner: Owner | null, spared: string): readonly VolumeEvent[] {
  if (owner === null) return [];
  const { operationId } = owner;
  const ends: VolumeEvent[] = [];
  for (const snapshot of snapshotsOf(volume)) {
    if (snapshot.id === spared || !owns(snapshot.owner, operationId, 'delete')) continue;
    ends.push(deletionFailed(volume, snapshot, operationId, false, TAKEN_OVER));
  }
  if (volume.id !== spared && owns(volume.owner, operationId, 'delete')) {
    ends.push({
      type: 'VolumeDeletionFailed',
      data: { volumeId: volume.id, operationId, busy: false, reason: TAKEN_OVER, status: 'error_deleting' },
    });
  }
  const reverted = snapshotsOf(volume).find((snapshot) => owns(snapshot.owner, operationId, 'revert'));
  if (reverted !== undefined) {
    ends.push({
      type: 'VolumeRevertFailed',
      data: { volumeId: volume.id, operationId, snapshotId: reverted.id, reason: TAKEN_OVER },
    });
  }
  return ends;
}

/** The end of a snapshot's deletion that did not succeed; busy leaves it usable where it was ever built. */
export function deletionFailed(
  volume: LiveVolume,
  snapshot: Snapshot,
  operationId: string,
  busy: boolean,
  reason: FailureReason,
): VolumeEvent {
  const status = !busy ? 'error_deleting' : snapshot.backendName === null ? 'error' : 'available';
  return {
    type: 'SnapshotDeletionFailed',
    data: { volumeId: volume.id, snapshotId: snapshot.id, operationId, busy, reason, status },
  };
}
