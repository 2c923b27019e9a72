import type { GiB } from '../domain/kernel/units.ts';
import type { LiveVolume } from '../domain/volume/state.ts';
import type { BackendSnapshot } from '../drivers/storage/driver.ts';
import { poolNameOf, workerFor } from './backend.ts';
import type { StepContext } from './operation.ts';

/** A snapshot as it stood before it was deleted: what to delete, and what to give back to whom. */
export interface SnapshotFound {
  readonly snapshotId: string;
  readonly projectId: string;
  readonly sizeGiB: GiB;
  readonly volumeTypeId: string;
  readonly pool: string | null;
  /** Null where it was never built, or its building was undone. */
  readonly onBackend: BackendSnapshot | null;
}

/** Null when the volume has no such snapshot (any more). */
export function snapshotFound(volume: LiveVolume, snapshotId: string): SnapshotFound | null {
  const snapshot = volume.snapshots[snapshotId];
  if (snapshot === undefined) return null;
  const { projectId, sizeGiB, volumeTypeId, backendName } = snapshot;
  const { pool, backendName: volumeName } = volume;
  const built = pool !== null && backendName !== null && volumeName !== null;
  return {
    snapshotId,
    projectId,
    sizeGiB,
    volumeTypeId,
    pool,
    onBackend: built ? { id: snapshotId, name: backendName, volumeName, sizeGiB, pool: poolNameOf(pool) } : null,
  };
}

export async function deleteSnapshotFound(context: StepContext, found: SnapshotFound): Promise<void> {
  if (found.pool === null || found.onBackend === null) return;
  const { driver, context: call } = workerFor(context, found.pool);
  await driver.deleteSnapshot(found.onBackend, call);
}
