import type { SnapshotDocument } from '../../projections/snapshots.ts';
import { type Call, commandContextOf, settled } from '../call.ts';
import { notFound } from '../faults.ts';
import { type Listed, listBody, listOf, listQuery } from '../list.ts';
import { answersNothing } from '../repeat.ts';
import { type AnyRoute, route } from '../route.ts';
import { visibleVolume } from '../volumes/target.ts';
import { createdSnapshot, createdSnapshotAgain } from './created.ts';
import { SNAPSHOT_FILTERS, snapshotSort } from './filters.ts';
import { createSnapshotBody, updateSnapshotBody } from './schemas.ts';
import { snapshotNotFound, snapshotOfPath, visibleSnapshot } from './target.ts';
import { snapshotFullView, snapshotSummaryView, snapshotView } from './views.ts';

const IN_USE_WITHOUT_FORCE = 66;

const listSnapshots = (call: Call, path: string): Promise<Listed<SnapshotDocument>> =>
  listOf(call, {
    source: call.deps.queries.snapshots,
    filters: SNAPSHOT_FILTERS,
    sort: snapshotSort(call.microversion),
    path,
    markerNotFound: snapshotNotFound,
  });

const query = listQuery(SNAPSHOT_FILTERS, ['with_count']);

export const snapshotRoutes: readonly AnyRoute[] = [
  route({
    id: 'snapshots-list',
    method: 'GET',
    path: '/snapshots',
    summary: 'List snapshots, brief',
    status: 200,
    policy: 'volume:get_all_snapshots',
    query,
    handler: async (call) => {
      const listed = await listSnapshots(call, '/snapshots');
      return listBody('snapshots', listed.documents.map(snapshotSummaryView), listed);
    },
  }),
  route({
    id: 'snapshots-list-detail',
    method: 'GET',
    path: '/snapshots/detail',
    summary: 'List snapshots with details',
    status: 200,
    policy: 'volume:get_all_snapshots',
    query,
    handler: async (call) => {
      const listed = await listSnapshots(call, '/snapshots/detail');
      const items = listed.documents.map((snapshot) => snapshotFullView(call, snapshot));
      return listBody('snapshots', items, listed);
    },
  }),
  route({
    id: 'snapshots-create',
    method: 'POST',
    path: '/snapshots',
    summary: 'Create a snapshot',
    status: 202,
    policy: 'volume:create_snapshot',
    body: createSnapshotBody,
    target: (call, { snapshot }) => visibleVolume(call, snapshot.volume_id),
    handler: async (call, { body: { snapshot }, target: volume }) => {
      const request = {
        volumeId: volume.id,
        name: snapshot.name ?? snapshot.display_name ?? null,
        description: snapshot.description ?? null,
        metadata: snapshot.metadata ?? {},
        inUseAllowed: call.microversion >= IN_USE_WITHOUT_FORCE || snapshot.force === true,
      };
      const outcome = await call.deps.commands.snapshots.create(request, commandContextOf(call));
      const { snapshotId, volume: after } = await settled(call, outcome);
      const created = after?.snapshots[snapshotId];
      // the same request sent again after its snapshot was deleted
      if (created === undefined) throw notFound(snapshotNotFound(snapshotId));
      return { snapshot: snapshotView(call, await createdSnapshot(call, created, volume)) };
    },
    again: (call, done) => ({ snapshot: snapshotView(call, createdSnapshotAgain(done)) }),
  }),
  route({
    id: 'snapshots-show',
    method: 'GET',
    path: '/snapshots/{snapshot_id}',
    summary: 'Show a snapshot',
    status: 200,
    policy: 'volume:get_snapshot',
    target: snapshotOfPath,
    handler: (call, { target }) => ({ snapshot: snapshotFullView(call, target) }),
  }),
  route({
    id: 'snapshots-update',
    method: 'PUT',
    path: '/snapshots/{snapshot_id}',
    summary: 'Rename a snapshot',
    status: 200,
    policy: 'volume:update_snapshot',
    body: updateSnapshotBody,
    target: snapshotOfPath,
    handler: async (call, { body: { snapshot }, target }) => {
      const name = snapshot.name === undefined ? snapshot.display_name : snapshot.name;
      const { description = snapshot.display_description } = snapshot;
      const change = {
        snapshotId: target.id,
        volumeId: target.volumeId,
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
      };
      await settled(call, await call.deps.commands.snapshots.update(change, commandContextOf(call)));
      return { snapshot: snapshotView(call, await visibleSnapshot(call, target.id)) };
    },
  }),
  route({
    id: 'snapshots-delete',
    method: 'DELETE',
    path: '/snapshots/{snapshot_id}',
    summary: 'Delete a snapshot',
    status: 202,
    policy: 'volume:delete_snapshot',
    target: snapshotOfPath,
    handler: async (call, { target }) => {
      const deletion = { snapshotId: target.id, volumeId: target.volumeId, force: false };
      await settled(call, await call.deps.commands.snapshots.delete(deletion, commandContextOf(call)));
    },
    again: answersNothing,
  }),
];
