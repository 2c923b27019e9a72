import { type Call, can, commandContextOf, settled } from '../call.ts';
import { badRequest, notFound } from '../faults.ts';
import { createdVolumeAnswer } from './answer.ts';
import type { CreateVolumeBody } from './schemas.ts';
import { visibleVolume, volumeNotFound } from './target.ts';

type Request = CreateVolumeBody['volume'];

/** Fields that need a service or feature that is not there: refused by name rather than ignored. */
const UNSUPPORTED: readonly (readonly [keyof Request, string])[] = [
  ['imageRef', 'no image service is configured'],
  ['image_id', 'no image service is configured'],
  ['backup_id', 'creating a volume from a backup is not supported yet'],
  ['group_id', 'groups are not supported yet'],
  ['consistencygroup_id', 'consistency groups are not supported yet'],
];

const MULTIATTACH =
  'multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types. Contact ' +
  'your administrator to create a multiattach enabled volume type and use it to create multiattach volumes.';

/** POST /volumes: charges, requests and answers the volume in `creating`. Throws 400, 404, 413. */
export async function createVolume(call: Call, body: CreateVolumeBody): Promise<object> {
  const { volume } = body;
  refuseUnsupported(volume);
  const source = await sourceOf(call, volume);
  if (source.kind === 'empty' && (volume.size === undefined || volume.size === null)) {
    throw badRequest("Invalid input received: 'size' is required where no snapshot or source volume is given.");
  }
  const name = volume.name === undefined ? volume.display_name : volume.name;
  const description = volume.description === undefined ? volume.display_description : volume.description;
  const outcome = await call.deps.commands.volumes.create(
    {
      name: name ?? null,
      description: description ?? null,
      sizeGiB: volume.size ?? null,
      // '' stands for the default type, as null does
      volumeType: volume.volume_type || null,
      source,
      availabilityZone: volume.availability_zone ?? null,
      metadata: volume.metadata ?? {},
      schedulerHints: body['OS-SCH-HNT:scheduler_hints'] ?? {},
    },
    commandContextOf(call),
  );
  const { volumeId, volume: created } = await settled(call, outcome);
  // the same request sent again after its volume was deleted
  if (created === null) throw notFound(volumeNotFound(volumeId));
  return createdVolumeAnswer(call, created);
}

function refuseUnsupported(volume: Request): void {
  for (const [field, reason] of UNSUPPORTED) {
    const value = volume[field];
    if (value !== undefined && value !== null && value !== '') {
      throw badRequest(`Invalid input for field/attribute ${field}. Value: ${value}. ${reason}`);
    }
  }
  if (volume.multiattach === true) throw badRequest(MULTIATTACH);
}

async function sourceOf(call: Call, { snapshot_id: snapshotId, source_volid: volumeId }: Request) {
  const hasSnapshot = snapshotId !== undefined && snapshotId !== null;
  const hasVolume = volumeId !== undefined && volumeId !== null;
  if (hasSnapshot && hasVolume) {
    throw badRequest('Invalid input received: May specify only one of snapshot_id, imageRef or source_volid');
  }
  if (hasVolume) {
    await visibleVolume(call, volumeId);
    return { kind: 'volume' as const, volumeId };
  }
  if (hasSnapshot) {
    const snapshot = await call.deps.queries.snapshots.get(snapshotId);
    if (snapshot === null || !can(call, 'volume:get_snapshot', snapshot.projectId)) {
      throw notFound(`Snapshot ${snapshotId} could not be found.`);
    }
    return { kind: 'snapshot' as const, snapshotId, volumeId: snapshot.volumeId };
  }
  return { kind: 'empty' as const };
}
