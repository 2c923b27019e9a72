import type { VolumeEventOf } from '../../domain/volume/events.ts';
import type { LiveVolume } from '../../domain/volume/state.ts';
import type { KeyedCommandDocument } from '../../projections/keyed-commands.ts';
import { requestedVolume, type VolumeDocument } from '../../projections/volumes.ts';
import type { Call } from '../call.ts';
import { eventOf } from '../repeat.ts';
import { visibleVolume } from './target.ts';
import { volumeView } from './views.ts';

/** What an update answers: the volume as the read model has it now. */
export const volumeAnswer = async (call: Call, volumeId: string): Promise<object> =>
  answerOf(call, await visibleVolume(call, volumeId));

/**
 * What a create answers: the volume as the command left it, whatever the operation has done since, and even where the
 * read models are late.
 */
export async function createdVolumeAnswer(call: Call, volume: LiveVolume): Promise<object> {
  const shown = await call.deps.queries.volumes.get(volume.id);
  return answerOf(call, documentOf(volume, shown?.createdAt ?? call.deps.clock.now()));
}

/** What a create answered, when it is sent again. */
export async function createdVolumeAgain(call: Call, done: KeyedCommandDocument): Promise<object> {
  const requested = eventOf<VolumeEventOf<'VolumeCreationRequested'>>(done, 'VolumeCreationRequested');
  return answerOf(call, requestedVolume(requested.data, requested.at));
}

const answerOf = async (call: Call, volume: VolumeDocument): Promise<object> => ({
  volume: volumeView(call, volume, await call.deps.typeNames.nameOf(volume.volumeTypeId)),
});

/** A volume that was just requested, in the read model's words. */
const documentOf = (volume: LiveVolume, createdAt: number): VolumeDocument => ({
  id: volume.id,
  projectId: volume.projectId,
  userId: volume.userId,
  name: volume.name,
  description: volume.description,
  sizeGiB: volume.sizeGiB,
  status: volume.status,
  previousStatus: volume.previousStatus,
  attachStatus: volume.attachStatus,
  migrationStatus: volume.migrationStatus,
  availabilityZone: volume.availabilityZone,
  host: volume.pool,
  volumeTypeId: volume.volumeTypeId,
  snapshotId: volume.source.kind === 'snapshot' ? volume.source.snapshotId : null,
  sourceVolumeId: volume.source.kind === 'volume' ? volume.source.volumeId : null,
  bootable: volume.bootable,
  multiattach: volume.multiattach,
  consumesQuota: true,
  metadata: volume.metadata,
  adminMetadata: {},
  imageMetadata: volume.imageMetadata,
  attachments: [],
  providerId: null,
  serviceUuid: null,
  sharedTargets: null,
  groupId: null,
  createdAt,
  updatedAt: null,
  launchedAt: null,
  operationId: volume.owner?.operationId ?? null,
});
