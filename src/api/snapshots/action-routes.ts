import type { SnapshotDocument } from '../../projections/snapshots.ts';
import { authorize, commandContextOf, settled } from '../call.ts';
import { answersNothing } from '../repeat.ts';
import { type AnyRoute, type Route, route } from '../route.ts';
import { resetStatusBody, updateStatusBody } from './schemas.ts';
import { snapshotOfPath } from './target.ts';

const RESET_STATUS = 'volume_extension:snapshot_admin_actions:reset_status';

type Declaration<Body> = Omit<Route<Body, undefined, SnapshotDocument>, 'method' | 'path'> & {
  readonly action: string;
};

const snapshotAction = <Body = undefined>(declaration: Declaration<Body>): AnyRoute =>
  route<Body, undefined, SnapshotDocument>({
    method: 'POST',
    path: '/snapshots/{snapshot_id}/action',
    target: snapshotOfPath,
    again: answersNothing,
    ...declaration,
  });

export const snapshotActionRoutes: readonly AnyRoute[] = [
  snapshotAction({
    id: 'snapshot-reset-status',
    action: 'os-reset_status',
    summary: "Force a snapshot's status",
    status: 202,
    policy: RESET_STATUS,
    body: resetStatusBody,
    // who may not do it at all learns nothing of the snapshot (contract/errors.md §4)
    target: async (call) => {
      authorize(call, RESET_STATUS);
      return snapshotOfPath(call);
    },
    handler: async (call, { body, target }) => {
      const { status } = body['os-reset_status'];
      const reset = { snapshotId: target.id, volumeId: target.volumeId, status };
      await settled(call, await call.deps.commands.snapshots.resetStatus(reset, commandContextOf(call)));
    },
  }),
  snapshotAction({
    id: 'snapshot-update-status',
    action: 'os-update_snapshot_status',
    summary: 'Report snapshot progress',
    status: 202,
    policy: 'snapshot_extension:snapshot_actions:update_snapshot_status',
    body: updateStatusBody,
    handler: async (call, { body, target }) => {
      const { status, progress = null } = body['os-update_snapshot_status'];
      const update = { snapshotId: target.id, volumeId: target.volumeId, status, progress };
      await settled(call, await call.deps.commands.snapshots.updateStatus(update, commandContextOf(call)));
    },
  }),
  snapshotAction({
    id: 'snapshot-force-delete',
    action: 'os-force_delete',
    summary: 'Delete a snapshot in any status',
    status: 202,
    policy: ['volume_extension:snapshot_admin_actions:force_delete', 'volume:delete_snapshot'],
    handler: async (call, { target }) => {
      const deletion = { snapshotId: target.id, volumeId: target.volumeId, force: true };
      await settled(call, await call.deps.commands.snapshots.delete(deletion, commandContextOf(call)));
    },
  }),
];
