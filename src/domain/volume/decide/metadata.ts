import { accepted, rejected } from '../../kernel/decider.ts';
import { reject } from '../../kernel/rejection.ts';
import type { VolumeEvent } from '../events.ts';
import type { LiveVolume } from '../state.ts';
import { isAllowed, type Transition, VOLUME_TRANSITIONS } from '../transitions.ts';
import { type Command, refuse, type VolumeDecision } from './ownership.ts';
import { snapshotNotFound } from './snapshots.ts';

type Metadata = Readonly<Record<string, string>>;

/** contract/states.json volume.update; metadata given here replaces the whole. */
export function updateVolume(command: Command<'UpdateVolume'>, volume: LiveVolume): VolumeDecision {
  const refusal = hindranceToUpdate(volume);
  if (refusal !== null) return refusal;
  const described = changedDescription(command, volume);
  const { metadata } = command;
  const events: VolumeEvent[] = [];
  if (described !== null) events.push({ type: 'VolumeUpdated', data: { volumeId: volume.id, ...described } });
  if (metadata !== undefined && !isSame(metadata, volume.metadata)) {
    events.push({ type: 'VolumeMetadataChanged', data: { volumeId: volume.id, metadata } });
  }
  return accepted(...events);
}

export function setBootable({ bootable }: Command<'SetBootable'>, volume: LiveVolume): VolumeDecision {
  const refusal = hindranceToUpdate(volume);
  if (refusal !== null) return refusal;
  if (bootable === volume.bootable) return accepted();
  return accepted({ type: 'VolumeBootableSet', data: { volumeId: volume.id, bootable } });
}

/** contract/states.json volume.readonly-flag. */
export function setReadonly({ readonly }: Command<'SetReadonly'>, volume: LiveVolume): VolumeDecision {
  if (!isAllowed(VOLUME_TRANSITIONS.SetReadonly, volume.status)) {
    const reason =
      `Volume ${volume.id} status must be available to update readonly flag, ` +
      `but current status is: ${volume.status}.`;
    return refuse('InvalidVolume', reason);
  }
  if (readonly === volume.readonly) return accepted();
  return accepted({ type: 'VolumeReadonlySet', data: { volumeId: volume.id, readonly } });
}

/** contract/states.json volume.metadata. */
export function setVolumeMetadata(command: Command<'SetVolumeMetadata'>, volume: LiveVolume): VolumeDecision {
  const refusal = hindranceToMetadata('Updating', VOLUME_TRANSITIONS.SetVolumeMetadata, volume);
  if (refusal !== null) return refusal;
  const metadata = command.replace ? command.metadata : { ...volume.metadata, ...command.metadata };
  if (isSame(metadata, volume.metadata)) return accepted();
  return accepted({ type: 'VolumeMetadataChanged', data: { volumeId: volume.id, metadata } });
}

export function deleteVolumeMetadata({ key }: Command<'DeleteVolumeMetadata'>, volume: LiveVolume): VolumeDecision {
  if (!Object.hasOwn(volume.metadata, key)) return rejected(reject('VolumeMetadataNotFound', { id: volume.id, key }));
  const refusal = hindranceToMetadata('Deleting', VOLUME_TRANSITIONS.DeleteVolumeMetadata, volume);
  if (refusal !== null) return refusal;
  const { [key]: _, ...metadata } = volume.metadata;
  return accepted({ type: 'VolumeMetadataChanged', data: { volumeId: volume.id, metadata } });
}

export function setImageMetadata(command: Command<'SetImageMetadata'>, volume: LiveVolume): VolumeDecision {
  const refusal = hindranceToMetadata('Updating', VOLUME_TRANSITIONS.SetImageMetadata, volume);
  if (refusal !== null) return refusal;
  const imageMetadata = { ...volume.imageMetadata, ...command.metadata };
  if (isSame(imageMetadata, volume.imageMetadata)) return accepted();
  return accepted({ type: 'VolumeImageMetadataChanged', data: { volumeId: volume.id, imageMetadata } });
}

export function unsetImageMetadata({ key }: Command<'UnsetImageMetadata'>, volume: LiveVolume): VolumeDecision {
  if (!Object.hasOwn(volume.imageMetadata, key)) {
    return rejected(reject('GlanceMetadataNotFound', { id: volume.id, key }));
  }
  const refusal = hindranceToMetadata('Deleting', VOLUME_TRANSITIONS.UnsetImageMetadata, volume);
  if (refusal !== null) return refusal;
  const { [key]: _, ...imageMetadata } = volume.imageMetadata;
  return accepted({ type: 'VolumeImageMetadataChanged', data: { volumeId: volume.id, imageMetadata } });
}

/** A snapshot's name, description and metadata may change in any status. */
export function updateSnapshot(command: Command<'UpdateSnapshot'>, volume: LiveVolume): VolumeDecision {
  const { snapshotId } = command;
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return snapshotNotFound(snapshotId);
  const described = changedDescription(command, snapshot);
  if (described === null) return accepted();
  return accepted({ type: 'SnapshotUpdated', data: { volumeId: volume.id, snapshotId, ...described } });
}

export function setSnapshotMetadata(command: Command<'SetSnapshotMetadata'>, volume: LiveVolume): VolumeDecision {
  const { snapshotId } = command;
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return snapshotNotFound(snapshotId);
  const metadata = command.replace ? command.metadata : { ...snapshot.metadata, ...command.metadata };
  if (isSame(metadata, snapshot.metadata)) return accepted();
  return accepted({ type: 'SnapshotMetadataChanged', data: { volumeId: volume.id, snapshotId, metadata } });
}

export function deleteSnapshotMetadata(command: Command<'DeleteSnapshotMetadata'>, volume: LiveVolume): VolumeDecision {
  const { snapshotId, key } = command;
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return snapshotNotFound(snapshotId);
  if (!Object.hasOwn(snapshot.metadata, key)) {
    return rejected(reject('SnapshotMetadataNotFound', { id: snapshotId, key }));
  }
  const { [key]: _, ...metadata } = snapshot.metadata;
  return accepted({ type: 'SnapshotMetadataChanged', data: { volumeId: volume.id, snapshotId, metadata } });
}

function hindranceToUpdate(volume: LiveVolume): VolumeDecision | null {
  if (isAllowed(VOLUME_TRANSITIONS.UpdateVolume, volume.status)) return null;
  return refuse('InvalidVolume', 'The volume cannot be updated during maintenance.');
}

function hindranceToMetadata(
  doing: 'Updating' | 'Deleting',
  rule: Transition<LiveVolume['status']>,
  volume: LiveVolume,
): VolumeDecision | null {
  if (isAllowed(rule, volume.status)) return null;
  return refuse('InvalidVolume', `${doing} volume metadata is not allowed for volumes in ${volume.status} status.`);
}

interface Described {
  readonly name?: string | null;
  readonly description?: string | null;
}

/** What of name and description is given and new; null when neither is. */
function changedDescription(
  given: Described,
  now: { readonly name: string | null; readonly description: string | null },
): Described | null {
  const name = given.name === undefined || given.name === now.name ? {} : { name: given.name };
  const description =
    given.description === undefined || given.description === now.description ? {} : { description: given.description };
  const changed = { ...name, ...description };
  return Object.keys(changed).length === 0 ? null : changed;
}

function isSame(one: Metadata, other: Metadata): boolean {
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && one[key] === other[key])
  );
}
