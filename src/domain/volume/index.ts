import { match, P } from 'ts-pattern';
import { accepted, type Decider, type Decision, rejected } from '../kernel/decider.ts';
import { reject } from '../kernel/rejection.ts';
import type { VolumeCommand } from './commands.ts';
import * as attachments from './decide/attachments.ts';
import * as extension from './decide/extension.ts';
import * as lifecycle from './decide/lifecycle.ts';
import * as metadata from './decide/metadata.ts';
import { type Command, hasLanded, refuse, type VolumeDecision } from './decide/ownership.ts';
import * as pins from './decide/pins.ts';
import { resetVolumeStatus } from './decide/reset-status.ts';
import * as revert from './decide/revert.ts';
import * as snapshots from './decide/snapshots.ts';
import * as transfer from './decide/transfer.ts';
import type { VolumeEvent } from './events.ts';
import { evolve } from './evolve.ts';
import { initialVolume, type LiveVolume, type Volume } from './state.ts';

export { attachmentTo } from './decide/attachments.ts';
export { hasLanded, landedAs, requestsBefore, snapshotsOf, statusByAttachments } from './decide/ownership.ts';
export { movedByTransfer } from './decide/transfer.ts';
export { chargedProjectOf, evolve } from './evolve.ts';

/** A volume with its snapshots, attachments, transfer and pins: one stream, one decision. */
export const volumeDecider: Decider<VolumeCommand, Volume, VolumeEvent> = { initial: initialVolume, decide, evolve };

function decide(command: VolumeCommand, state: Volume): Decision<VolumeEvent> {
  if (command.type === 'LapseRequest') return lapse(command, state);
  const operationId = operationIdOf(command);
  if (operationId !== null && Object.hasOwn(state.lapsed, operationId)) {
    return rejected(reject('RequestLapsed', { operationId }));
  }
  // a request that is in the stream already has nothing left to do, whatever became of it
  if (isRequest(command) && operationId !== null && hasLanded(state, operationId)) return accepted();
  if (command.type === 'CreateVolume') return create(command, state);
  const { volume } = state;
  if (volume !== null && !volume.deleted) return decideOn(command, volume);
  if (isOutcome(command)) return accepted();
  return rejected(reject('VolumeNotFound', { id: volume?.id ?? 'of this stream' }));
}

/** The id of the operation that a command starts or reports for; null where it has none. */
const operationIdOf = (command: VolumeCommand): string | null =>
  match(command)
    .with({ type: 'CreateVolume' }, ({ request }) => request.operationId)
    .with({ type: P.union('CompleteVolumeCreation', 'CompleteSnapshotCreation') }, ({ outcome }) => outcome.operationId)
    .with({ operationId: P.string }, ({ operationId }) => operationId)
    .otherwise(() => null);

const isRequest = (command: VolumeCommand): boolean =>
  match(command.type)
    .with(
      'CreateVolume',
      'DeleteVolume',
      'ExtendVolume',
      'RevertToSnapshot',
      'CreateSnapshot',
      'DeleteSnapshot',
      'AcceptTransfer',
      () => true,
    )
    .otherwise(() => false);

/** What operations report: without a volume there is nothing that they could still own. */
const isOutcome = ({ type }: VolumeCommand): boolean =>
  type.startsWith('Complete') || type.startsWith('Fail') || type === 'UnpinVolume';

function create({ request }: Command<'CreateVolume'>, { volume }: Volume): VolumeDecision {
  if (volume !== null) return refuse('Conflict', `Volume ${volume.id} was already requested by another operation.`);
  return accepted({ type: 'VolumeCreationRequested', data: request });
}

/** A charge without its request: the request is refused from now on, so that the charge can be given back. */
function lapse({ operationId }: Command<'LapseRequest'>, state: Volume): VolumeDecision {
  if (Object.hasOwn(state.lapsed, operationId) || hasLanded(state, operationId)) return accepted();
  return accepted({ type: 'RequestLapsed', data: { operationId } });
}

function decideOn(
  command: Exclude<VolumeCommand, { type: 'CreateVolume' | 'LapseRequest' }>,
  volume: LiveVolume,
): VolumeDecision {
  return match(command)
    .with({ type: 'DeleteVolume' }, (it) => lifecycle.deleteVolume(it, volume))
    .with({ type: 'CompleteVolumeCreation' }, (it) => lifecycle.completeCreation(it, volume))
    .with({ type: 'FailVolumeCreation' }, (it) => lifecycle.failCreation(it, volume))
    .with({ type: 'CompleteVolumeDeletion' }, (it) => lifecycle.completeDeletion(it, volume))
    .with({ type: 'FailVolumeDeletion' }, (it) => lifecycle.failDeletion(it, volume))
    .with({ type: 'ExtendVolume' }, (it) => extension.extendVolume(it, volume))
    .with({ type: 'CompleteVolumeExtension' }, (it) => extension.completeExtension(it, volume))
    .with({ type: 'FailVolumeExtension' }, (it) => extension.failExtension(it, volume))
    .with({ type: 'RevertToSnapshot' }, (it) => revert.revertToSnapshot(it, volume))
    .with({ type: 'CompleteRevert' }, (it) => revert.completeRevert(it, volume))
    .with({ type: 'FailRevert' }, (it) => revert.failRevert(it, volume))
    .with({ type: 'ResetVolumeStatus' }, (it) => resetVolumeStatus(it, volume))
    .with({ type: 'PinVolume' }, (it) => pins.pinVolume(it, volume))
    .with({ type: 'UnpinVolume' }, (it) => pins.unpinVolume(it, volume))
    .with({ type: 'UpdateVolume' }, (it) => metadata.updateVolume(it, volume))
    .with({ type: 'SetVolumeMetadata' }, (it) => metadata.setVolumeMetadata(it, volume))
    .with({ type: 'DeleteVolumeMetadata' }, (it) => metadata.deleteVolumeMetadata(it, volume))
    .with({ type: 'SetImageMetadata' }, (it) => metadata.setImageMetadata(it, volume))
    .with({ type: 'UnsetImageMetadata' }, (it) => metadata.unsetImageMetadata(it, volume))
    .with({ type: 'SetBootable' }, (it) => metadata.setBootable(it, volume))
    .with({ type: 'SetReadonly' }, (it) => metadata.setReadonly(it, volume))
    .with({ type: 'ReserveVolume' }, () => attachments.reserveVolume(volume))
    .with({ type: 'UnreserveVolume' }, () => attachments.unreserveVolume(volume))
    .with({ type: 'AttachVolume' }, (it) => attachments.attachVolume(it, volume))
    .with({ type: 'BeginDetaching' }, () => attachments.beginDetaching(volume))
    .with({ type: 'RollDetaching' }, () => attachments.rollDetaching(volume))
    .with({ type: 'DetachVolume' }, (it) => attachments.detachVolume(it, volume))
    .with({ type: 'CreateSnapshot' }, (it) => snapshots.createSnapshot(it, volume))
    .with({ type: 'CompleteSnapshotCreation' }, (it) => snapshots.completeSnapshotCreation(it, volume))
    .with({ type: 'FailSnapshotCreation' }, (it) => snapshots.failSnapshotCreation(it, volume))
    .with({ type: 'DeleteSnapshot' }, (it) => snapshots.deleteSnapshot(it, volume))
    .with({ type: 'CompleteSnapshotDeletion' }, (it) => snapshots.completeSnapshotDeletion(it, volume))
    .with({ type: 'FailSnapshotDeletion' }, (it) => snapshots.failSnapshotDeletion(it, volume))
    .with({ type: 'UpdateSnapshot' }, (it) => metadata.updateSnapshot(it, volume))
    .with({ type: 'SetSnapshotMetadata' }, (it) => metadata.setSnapshotMetadata(it, volume))
    .with({ type: 'DeleteSnapshotMetadata' }, (it) => metadata.deleteSnapshotMetadata(it, volume))
    .with({ type: 'ResetSnapshotStatus' }, (it) => snapshots.resetSnapshotStatus(it, volume))
    .with({ type: 'UpdateSnapshotStatus' }, (it) => snapshots.updateSnapshotStatus(it, volume))
    .with({ type: 'CreateTransfer' }, (it) => transfer.createTransfer(it, volume))
    .with({ type: 'AcceptTransfer' }, (it) => transfer.acceptTransfer(it, volume))
    .with({ type: 'DeleteTransfer' }, (it) => transfer.deleteTransfer(it, volume))
    .exhaustive();
}
