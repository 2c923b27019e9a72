import { accepted, rejected } from '../../kernel/decider.ts';
import { reject } from '../../kernel/rejection.ts';
import type { VolumeEvent } from '../events.ts';
import type { Attachment, LiveVolume } from '../state.ts';
import type { VolumeStatus } from '../statuses.ts';
import { isAllowed, isMigrating, namesOf, OPERATION_STATUSES, VOLUME_TRANSITIONS } from '../transitions.ts';
import { type Command, refuse, statusByAttachments, type VolumeDecision } from './ownership.ts';

/** contract/states.json volume.reserve. */
export function reserveVolume(volume: LiveVolume): VolumeDecision {
  const rule = VOLUME_TRANSITIONS.ReserveVolume;
  if (!isAllowed(rule, volume.status, volume.multiattach)) {
    const expected = volume.multiattach ? namesOf(['available', 'in-use']) : namesOf(rule.from);
    return refuse('InvalidVolume', `Volume status must be ${expected} to reserve, but the status is ${volume.status}.`);
  }
  return accepted({ type: 'VolumeReserved', data: { volumeId: volume.id } });
}

/** contract/states.json volume.unreserve: from any other status nothing happens. */
export function unreserveVolume(volume: LiveVolume): VolumeDecision {
  if (!isAllowed(VOLUME_TRANSITIONS.UnreserveVolume, volume.status)) return accepted();
  return accepted({ type: 'VolumeUnreserved', data: { volumeId: volume.id, status: statusByAttachments(volume) } });
}

/** contract/states.json volume.attach, except that nobody attaches what an operation is working on. */
export function attachVolume(command: Command<'AttachVolume'>, volume: LiveVolume): VolumeDecision {
  const { attachmentId, instanceId, hostName, mountpoint, mode } = command;
  if (!isAllowed(VOLUME_TRANSITIONS.AttachVolume, volume.status)) {
    return refuse('InvalidVolume', `The volume cannot be attached in status ${volume.status}.`);
  }
  if (volume.pool === null) {
    return refuse('InvalidVolume', `Volume ${volume.id} cannot be attached: it has not been scheduled to any host.`);
  }
  if (volume.readonly === true && mode !== 'ro') {
    return rejected(reject('InvalidVolumeAttachMode', { mode, id: volume.id }));
  }
  if (volume.status === 'attaching' && volume.attachedMode !== null && volume.attachedMode !== mode) {
    return refuse('InvalidVolume', `being attached by different mode: ${volume.attachedMode}`);
  }
  const existing = attachmentTo(volume, command);
  if (existing !== undefined) {
    // the attachment stays as it is; attaching it again only ends the reservation
    return volume.status === 'in-use' ? accepted() : accepted(attachedEvent(volume, existing));
  }
  if (volume.status === 'in-use' && !volume.multiattach && !isMigrating(volume.migrationStatus)) {
    return refuse('InvalidVolume', 'volume is already attached and multiple attachments are not enabled');
  }
  return accepted(attachedEvent(volume, { id: attachmentId, instanceId, hostName, mountpoint, mode }));
}

/** The attachment that already serves this instance, or this host where no instance is named. */
export function attachmentTo(
  volume: LiveVolume,
  { instanceId, hostName }: Pick<Attachment, 'instanceId' | 'hostName'>,
): Attachment | undefined {
  return Object.values(volume.attachments).find((attachment) =>
    instanceId === null ? attachment.hostName === hostName : attachment.instanceId === instanceId,
  );
}

const attachedEvent = (volume: LiveVolume, attachment: Attachment): VolumeEvent => {
  const { id: attachmentId, instanceId, hostName, mountpoint, mode } = attachment;
  return {
    type: 'VolumeAttached',
    data: { volumeId: volume.id, attachmentId, instanceId, hostName, mountpoint, mode },
  };
};

/** contract/states.json volume.begin-detaching: a migrating volume is left alone and the call succeeds. */
export function beginDetaching(volume: LiveVolume): VolumeDecision {
  if (isMigrating(volume.migrationStatus)) return accepted();
  if (!isAllowed(VOLUME_TRANSITIONS.BeginDetaching, volume.status) || volume.attachStatus !== 'attached') {
    const reason =
      "Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach, " +
      `but they are '${volume.status}' and '${volume.attachStatus}'.`;
    return refuse('InvalidVolume', reason);
  }
  return accepted({ type: 'VolumeDetachingBegun', data: { volumeId: volume.id } });
}

/** contract/states.json volume.roll-detaching: from any other status nothing happens. */
export function rollDetaching(volume: LiveVolume): VolumeDecision {
  if (!isAllowed(VOLUME_TRANSITIONS.RollDetaching, volume.status)) return accepted();
  return accepted({ type: 'VolumeDetachingRolledBack', data: { volumeId: volume.id } });
}

/** contract/states.json volume.detach: an unknown attachment ends nothing, but the status is worked out anew. */
export function detachVolume({ attachmentId }: Command<'DetachVolume'>, volume: LiveVolume): VolumeDecision {
  if (!isAllowed(VOLUME_TRANSITIONS.DetachVolume, volume.status)) {
    return refuse('InvalidVolume', 'The volume cannot be detached in maintenance mode.');
  }
  const attachmentIds = Object.keys(volume.attachments);
  if (attachmentId === null && attachmentIds.length > 1) {
    return refuse('InvalidVolume', 'Detach volume failed: More than one attachment, but no attachment_id provided.');
  }
  const ended = attachmentId === null ? attachmentIds : attachmentIds.filter((id) => id === attachmentId);
  const event = detachedEvent(volume, ended);
  const attached = attachmentIds.length > ended.length ? 'attached' : 'detached';
  const same = event.data.status === volume.status && attached === volume.attachStatus && volume.attachedMode === null;
  return ended.length === 0 && same ? accepted() : accepted(event);
}

export const detachedEvent = (volume: LiveVolume, attachmentIds: readonly string[]) =>
  ({
    type: 'VolumeDetached',
    data: {
      volumeId: volume.id,
      attachmentIds: [...attachmentIds],
      status: statusWithout(volume, attachmentIds.length),
    },
  }) as const satisfies VolumeEvent;

/** contract/states.json `derived`; a status that an operation, an offer or a failed placement gave stays. */
function statusWithout(volume: LiveVolume, ended: number): VolumeStatus {
  const { status } = volume;
  if (OPERATION_STATUSES.includes(status)) return status;
  if (Object.keys(volume.attachments).length > ended) return 'in-use';
  if (volume.pool === null || status === 'awaiting-transfer') return status;
  const moving = volume.migrationStatus !== null && !['success', 'error'].includes(volume.migrationStatus);
  return moving ? status : 'available';
}
