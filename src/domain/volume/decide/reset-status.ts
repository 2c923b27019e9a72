import { accepted } from '../../kernel/decider.ts';
import type { VolumeEvent } from '../events.ts';
import type { AttachStatus, LiveVolume } from '../state.ts';
import { MIGRATION_STATUSES, RESETTABLE_STATUSES } from '../transitions.ts';
import { detachedEvent } from './attachments.ts';
import { type Command, endingsOf, isAttached, refuse, type VolumeDecision } from './ownership.ts';

const ATTACH_STATUSES: readonly AttachStatus[] = ['attached', 'detached'];

/** contract/states.json volume.reset-status: a new status takes the volume away from whatever worked on it. */
export function resetVolumeStatus(command: Command<'ResetVolumeStatus'>, volume: LiveVolume): VolumeDecision {
  const asked = command.status?.toLowerCase();
  const status = RESETTABLE_STATUSES.find((one) => one === asked);
  if (asked === 'deleting') return refuse('InvalidInput', `Cannot reset-state to ${asked}`);
  if (asked !== undefined && status === undefined) return notAMember('Volume status', asked, RESETTABLE_STATUSES);
  const askedAttach = command.attachStatus?.toLowerCase();
  const attachStatus = ATTACH_STATUSES.find((one) => one === askedAttach);
  if (askedAttach !== undefined && attachStatus === undefined) {
    return notAMember('Volume attach status', askedAttach, ATTACH_STATUSES);
  }
  const migrationStatus = command.migrationStatus?.toLowerCase();
  if (migrationStatus !== undefined && !MIGRATION_STATUSES.includes(migrationStatus)) {
    return notAMember('Volume migration status', migrationStatus, MIGRATION_STATUSES);
  }
  if (status === undefined && attachStatus === undefined && migrationStatus === undefined) {
    return refuse('InvalidInput', "Must specify 'status', 'attach_status' or 'migration_status' for update.");
  }
  const attachmentsEnd = attachStatus === 'detached' && isAttached(volume);
  if (status === 'in-use' && (attachmentsEnd || !isAttached(volume))) {
    return refuse('InvalidInput', 'Cannot reset-state to in-use because volume does not have any attachments.');
  }

  const takenOver = status === undefined ? null : volume.owner;
  return accepted<VolumeEvent>(
    ...endingsOf(volume, takenOver, volume.id),
    ...(attachmentsEnd ? [detachedEvent(volume, Object.keys(volume.attachments))] : []),
    {
      type: 'VolumeStatusReset',
      data: {
        volumeId: volume.id,
        ...(status === undefined ? {} : { status }),
        ...(attachStatus === undefined ? {} : { attachStatus }),
        ...(migrationStatus === undefined
          ? {}
          : { migrationStatus: migrationStatus === 'none' ? null : migrationStatus }),
        takesOver: takenOver === null ? [] : [takenOver.operationId],
      },
    },
  );
}

const notAMember = (what: string, value: string, valid: readonly string[]): VolumeDecision =>
  refuse('InvalidInput', `${what}: ${value} is invalid, valid statuses are: ${valid.join(', ')}.`);
