import type { VolumeEventOf } from '../../domain/volume/events.ts';
import type { Snapshot } from '../../domain/volume/state.ts';
import type { KeyedCommandDocument } from '../../projections/keyed-commands.ts';
import { requestedSnapshot, type SnapshotDocument } from '../../projections/snapshots.ts';
import type { VolumeDocument } from '../../projections/volumes.ts';
import type { Call } from '../call.ts';
import { eventOf } from '../repeat.ts';

/**
 * What a create answers: the snapshot as the command left it, whatever the operation has done since, and even where the
 * read models are late.
 */
export async function createdSnapshot(
  call: Call,
  snapshot: Snapshot,
  { id: volumeId, availabilityZone }: Pick<VolumeDocument, 'id' | 'availabilityZone'>,
): Promise<SnapshotDocument> {
  const shown = await call.deps.queries.snapshots.get(snapshot.id);
  return {
    id: snapshot.id,
    volumeId,
    projectId: snapshot.projectId,
    userId: snapshot.userId,
    name: snapshot.name,
    description: snapshot.description,
    sizeGiB: snapshot.sizeGiB,
    status: snapshot.status,
    progress: snapshot.progress,
    metadata: snapshot.metadata,
    volumeTypeId: snapshot.volumeTypeId,
    availabilityZone,
    consumesQuota: true,
    groupSnapshotId: null,
    createdAt: shown?.createdAt ?? call.deps.clock.now(),
    updatedAt: null,
    operationId: snapshot.owner?.operationId ?? null,
  };
}

/** The snapshot that a create answered with, when it is sent again. */
export function createdSnapshotAgain(done: KeyedCommandDocument): SnapshotDocument {
  const requested = eventOf<VolumeEventOf<'SnapshotCreationRequested'>>(done, 'SnapshotCreationRequested');
  return requestedSnapshot(requested.data, requested.at);
}
