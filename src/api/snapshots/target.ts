import type { SnapshotDocument } from '../../projections/snapshots.ts';
import { type Call, can, param } from '../call.ts';
import { notFound } from '../faults.ts';

export const snapshotNotFound = (id: string): string => `Snapshot ${id} could not be found.`;

/** A snapshot by id; another project's is not found (contract/errors.md §4). */
export async function visibleSnapshot(call: Call, id: string): Promise<SnapshotDocument> {
  const snapshot = await call.deps.queries.snapshots.get(id);
  if (snapshot === null || !can(call, 'volume:get_snapshot', snapshot.projectId)) throw notFound(snapshotNotFound(id));
  return snapshot;
}

/** The snapshot that the path names. */
export const snapshotOfPath = (call: Call): Promise<SnapshotDocument> =>
  visibleSnapshot(call, param(call, 'snapshot_id'));
