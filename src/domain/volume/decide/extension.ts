import { accepted } from '../../kernel/decider.ts';
import type { LiveVolume } from '../state.ts';
import type { VolumeStatus } from '../statuses.ts';
import { isAllowed, VOLUME_TRANSITIONS } from '../transitions.ts';
import { type Command, isAttached, owns, refuse, statusByAttachments, type VolumeDecision } from './ownership.ts';

/** contract/states.json volume.extend. */
export function extendVolume(command: Command<'ExtendVolume'>, volume: LiveVolume): VolumeDecision {
  const { operationId, newSizeGiB, maxSizeGiB } = command;
  if (newSizeGiB <= volume.sizeGiB) {
    const reason =
      'New size for extend must be greater than current size. ' +
      `(current: ${volume.sizeGiB}, extended: ${newSizeGiB}).`;
    return refuse('InvalidInput', reason);
  }
  if (maxSizeGiB !== null && newSizeGiB > maxSizeGiB) {
    const reason =
      `Specified volume size of '${newSizeGiB}' is greater than the maximum allowable size of ` +
      `'${maxSizeGiB}' for volume type '${volume.volumeTypeId}'.`;
    return refuse('InvalidInput', reason);
  }
  if (!isAllowed(VOLUME_TRANSITIONS.ExtendVolume, volume.status, command.attachedAllowed)) {
    const expected = command.attachedAllowed ? 'available or in-use' : 'available';
    const reason = `Volume ${volume.id} status must be ${expected} to extend, currently ${volume.status}.`;
    return refuse('InvalidVolume', reason);
  }
  if (volume.pool === null) {
    return refuse('InvalidVolume', `Volume ${volume.id} cannot be extended: it has not been scheduled to any host.`);
  }
  return accepted({
    type: 'VolumeExtensionRequested',
    data: {
      volumeId: volume.id,
      operationId,
      projectId: volume.projectId,
      fromGiB: volume.sizeGiB,
      toGiB: newSizeGiB,
    },
  });
}

export function completeExtension(
  { operationId }: Command<'CompleteVolumeExtension'>,
  volume: LiveVolume,
): VolumeDecision {
  const { id: volumeId, sizeGiB: fromGiB, extendingToGiB: toGiB } = volume;
  if (toGiB === null || !owns(volume.owner, operationId, 'extend')) return accepted();
  return accepted({
    type: 'VolumeExtended',
    data: { volumeId, operationId, fromGiB, toGiB, status: statusByAttachments(volume) },
  });
}

export function failExtension(command: Command<'FailVolumeExtension'>, volume: LiveVolume): VolumeDecision {
  const { operationId, refused, reason } = command;
  if (!owns(volume.owner, operationId, 'extend')) return accepted();
  return accepted({
    type: 'VolumeExtensionFailed',
    data: {
      volumeId: volume.id,
      operationId,
      refused,
      reason,
      status: refused ? statusBefore(volume) : 'error_extending',
    },
  });
}

/** The last attachment may have ended while the volume was extending. */
const statusBefore = (volume: LiveVolume): VolumeStatus => (isAttached(volume) ? 'in-use' : 'available');
