import type { Snapshot } from '../../domain/volume/state.ts';
import type { SnapshotDocument } from '../../projections/snapshots.ts';
import type { Call } from '../call.ts';

/**
 * What a create answers: the snapshot as the command left it, whatever the operation has done since, and even where the
 * read models are late.
 */
export async function createdSnapshot(call: Call, snapshot: Snapshot, volumeId: string): Promise<SnapshotDocument> {
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
    availabilityZone: null,
    consumesQuota: true,
    groupSnapshotId: null,
    createdAt: shown?.createdAt ?? call.deps.clock.now(),
    updatedAt: null,
    operationId: snapshot.owner?.operationId ?? null,
  };
}
