import type { VolumeDocument } from '../../projections/volumes.ts';
import { type Call, can, param } from '../call.ts';
import { notFound } from '../faults.ts';

export const volumeNotFound = (id: string): string => `Volume ${id} could not be found.`;

/** A volume by id; another project's is not found (contract/errors.md §4). */
export async function visibleVolume(call: Call, id: string): Promise<VolumeDocument> {
  const volume = await call.deps.queries.volumes.get(id);
  if (volume === null || !can(call, 'volume:get', volume.projectId)) throw notFound(volumeNotFound(id));
  return volume;
}

/** The volume that the path names. */
export const volumeOfPath = (call: Call): Promise<VolumeDocument> => visibleVolume(call, param(call, 'volume_id'));
