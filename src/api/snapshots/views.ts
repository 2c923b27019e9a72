import type { SnapshotDocument } from '../../projections/snapshots.ts';
import { type Call, can } from '../call.ts';
import { apiTime, apiTimeOrNull } from '../times.ts';

/** How snapshots look in answers (operations.json `snapshot-summary`, `snapshot`, `snapshot-full`). */

export const snapshotSummaryView = (snapshot: SnapshotDocument): Record<string, unknown> => ({
  id: snapshot.id,
  created_at: apiTime(snapshot.createdAt),
  updated_at: apiTimeOrNull(snapshot.updatedAt),
  name: snapshot.name,
  description: snapshot.description,
  volume_id: snapshot.volumeId,
  status: snapshot.status,
  size: snapshot.sizeGiB,
  metadata: snapshot.metadata,
});

/** A snapshot as create and update answer it. */
export function snapshotView({ microversion }: Call, snapshot: SnapshotDocument): Record<string, unknown> {
  const view = snapshotSummaryView(snapshot);
  if (microversion >= 14) view.group_snapshot_id = snapshot.groupSnapshotId;
  if (microversion >= 41) view.user_id = snapshot.userId;
  if (microversion >= 65) view.consumes_quota = snapshot.consumesQuota;
  return view;
}

/** A snapshot as show and the detailed list answer it: with the attributes that a policy guards. */
export function snapshotFullView(call: Call, snapshot: SnapshotDocument): Record<string, unknown> {
  const view = snapshotView(call, snapshot);
  if (can(call, 'volume_extension:extended_snapshot_attributes', snapshot.projectId)) {
    view['os-extended-snapshot-attributes:progress'] = snapshot.progress;
    view['os-extended-snapshot-attributes:project_id'] = snapshot.projectId;
  }
  return view;
}
