import { accepted, rejected } from '../../kernel/decider.ts';
import { reject } from '../../kernel/rejection.ts';
import type { GiB } from '../../kernel/units.ts';
import type { VolumeEvent } from '../events.ts';
import type { LiveVolume, Snapshot } from '../state.ts';
import { isAllowed, SNAPSHOT_TRANSITIONS, VOLUME_TRANSITIONS } from '../transitions.ts';
import { type Command, refuse, snapshotsOf, type VolumeDecision } from './ownership.ts';

/** contract/states.json transfer.create. */
export function createTransfer(command: Command<'CreateTransfer'>, volume: LiveVolume): VolumeDecision {
  const { transferId, name, salt, authKeyHash, noSnapshots } = command;
  if (!isAllowed(VOLUME_TRANSITIONS.CreateTransfer, volume.status)) {
    return refuse('InvalidVolume', `status must be available, but volume ${volume.id} is ${volume.status}`);
  }
  if (volume.transfer !== null) {
    return refuse('InvalidVolume', `volume ${volume.id} is already offered by transfer ${volume.transfer.id}`);
  }
  const refusal = hindranceToMove(movingSnapshots(volume, noSnapshots));
  if (refusal !== null) return refusal;
  return accepted({
    type: 'TransferCreated',
    data: { volumeId: volume.id, transferId, projectId: volume.projectId, name, salt, authKeyHash, noSnapshots },
  });
}

/** contract/states.json transfer.accept; the acceptor was charged before, so what moves must be what was charged. */
export function acceptTransfer(command: Command<'AcceptTransfer'>, volume: LiveVolume): VolumeDecision {
  const { transferId, operationId, toProjectId, toUserId, charged } = command;
  const { transfer } = volume;
  if (transfer === null || transfer.id !== transferId) return transferNotFound(transferId);
  if (command.authKeyHash !== transfer.authKeyHash) {
    return refuse('InvalidAuthKey', `Attempt to transfer ${transferId} with invalid auth key.`);
  }
  if (!isAllowed(VOLUME_TRANSITIONS.AcceptTransfer, volume.status)) {
    const reason =
      `Transfer ${transferId}: Volume id ${volume.id} expected in awaiting-transfer state, ` +
      `but current status is ${volume.status}.`;
    return refuse('InvalidVolume', reason);
  }
  const moving = movingSnapshots(volume, transfer.noSnapshots);
  const refusal = hindranceToMove(moving);
  if (refusal !== null) return refusal;
  const moves = movedByTransfer(volume);
  if (
    charged.sizeGiB !== moves.sizeGiB ||
    charged.snapshotsGiB !== moves.snapshotsGiB ||
    charged.snapshots !== moves.snapshots
  ) {
    const reason = `Transfer ${transferId}: volume ${volume.id} or its snapshots changed since they were charged.`;
    return refuse('InvalidVolume', reason, { charged, moves });
  }
  return accepted({
    type: 'TransferAccepted',
    data: {
      volumeId: volume.id,
      transferId,
      name: transfer.name,
      operationId,
      fromProjectId: volume.projectId,
      toProjectId,
      toUserId,
      snapshotIds: moving.map(({ id }) => id),
      sizeGiB: moves.sizeGiB,
      snapshotsGiB: moves.snapshotsGiB,
      volumeTypeId: volume.volumeTypeId,
    },
  });
}

/** contract/states.json transfer.delete: a volume that is no longer waiting for the offer is left as it is. */
export function deleteTransfer({ transferId }: Command<'DeleteTransfer'>, volume: LiveVolume): VolumeDecision {
  if (volume.transfer === null || volume.transfer.id !== transferId) return transferNotFound(transferId);
  return accepted(transferDeleted(volume, transferId));
}

/** The end of an offer. */
export const transferDeleted = (volume: LiveVolume, transferId: string): VolumeEvent => ({
  type: 'TransferDeleted',
  data: {
    volumeId: volume.id,
    transferId,
    status: volume.status === 'awaiting-transfer' ? 'available' : volume.status,
  },
});

/** What the acceptor of the open transfer is to be charged for (GiB, and how many snapshots). */
export function movedByTransfer(volume: LiveVolume): {
  readonly sizeGiB: GiB;
  readonly snapshotsGiB: GiB;
  readonly snapshots: number;
} {
  const moving = volume.transfer === null ? [] : movingSnapshots(volume, volume.transfer.noSnapshots);
  const snapshotsGiB = moving.reduce((sum, { sizeGiB }) => sum + sizeGiB, 0);
  return { sizeGiB: volume.sizeGiB, snapshotsGiB, snapshots: moving.length };
}

/** Snapshots that another project was charged for are not the donor's to give. */
const movingSnapshots = (volume: LiveVolume, noSnapshots: boolean): readonly Snapshot[] =>
  noSnapshots ? [] : snapshotsOf(volume).filter(({ projectId }) => projectId === volume.projectId);

function hindranceToMove(snapshots: readonly Snapshot[]): VolumeDecision | null {
  const unfit = snapshots.find(({ status }) => !isAllowed(SNAPSHOT_TRANSITIONS.TransferSnapshot, status));
  if (unfit === undefined) return null;
  return refuse('InvalidSnapshot', `snapshot: ${unfit.id} status must be available, but it is ${unfit.status}`);
}

const transferNotFound = (transferId: string): VolumeDecision =>
  rejected(reject('TransferNotFound', { id: transferId }));
