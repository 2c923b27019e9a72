import type { SnapshotDocument } from '../../projections/snapshots.ts';
import { type Call, commandContextOf, param, settled } from '../call.ts';
import { badRequest, notFound } from '../faults.ts';
import { answersNothing } from '../repeat.ts';
import { type AnyRoute, route } from '../route.ts';
import { metaBody, metadataBody } from './schemas.ts';
import { snapshotOfPath, visibleSnapshot } from './target.ts';

type Pairs = Readonly<Record<string, string>>;

async function setMetadata(
  call: Call,
  { id: snapshotId, volumeId }: SnapshotDocument,
  metadata: Pairs,
  replace: boolean,
): Promise<Pairs> {
  const change = { snapshotId, volumeId, metadata, replace };
  await settled(call, await call.deps.commands.snapshots.setMetadata(change, commandContextOf(call)));
  return (await visibleSnapshot(call, snapshotId)).metadata;
}

function metadataValue({ id, metadata }: SnapshotDocument, key: string): string {
  const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
  if (value === undefined) throw notFound(`Snapshot ${id} has no metadata with key ${key}.`);
  return value;
}

export const snapshotMetadataRoutes: readonly AnyRoute[] = [
  route({
    id: 'snapshot-metadata-list',
    method: 'GET',
    path: '/snapshots/{snapshot_id}/metadata',
    summary: "Show a snapshot's metadata",
    status: 200,
    policy: 'volume:get_snapshot_metadata',
    target: snapshotOfPath,
    handler: (_call, { target: { metadata } }) => ({ metadata }),
  }),
  route({
    id: 'snapshot-metadata-create',
    method: 'POST',
    path: '/snapshots/{snapshot_id}/metadata',
    summary: "Merge keys into a snapshot's metadata",
    status: 200,
    policy: 'volume:update_snapshot_metadata',
    body: metadataBody,
    target: snapshotOfPath,
    handler: async (call, { body, target }) => ({ metadata: await setMetadata(call, target, body.metadata, false) }),
  }),
  route({
    id: 'snapshot-metadata-replace',
    method: 'PUT',
    path: '/snapshots/{snapshot_id}/metadata',
    summary: "Replace a snapshot's metadata",
    status: 200,
    policy: 'volume:update_snapshot_metadata',
    body: metadataBody,
    target: snapshotOfPath,
    handler: async (call, { body, target }) => ({ metadata: await setMetadata(call, target, body.metadata, true) }),
  }),
  route({
    id: 'snapshot-metadata-show-key',
    method: 'GET',
    path: '/snapshots/{snapshot_id}/metadata/{key}',
    summary: 'Show one metadata key of a snapshot',
    status: 200,
    policy: 'volume:get_snapshot_metadata',
    target: snapshotOfPath,
    handler: (call, { target }) => {
      const key = param(call, 'key');
      return { meta: { [key]: metadataValue(target, key) } };
    },
  }),
  route({
    id: 'snapshot-metadata-update-key',
    method: 'PUT',
    path: '/snapshots/{snapshot_id}/metadata/{key}',
    summary: 'Set one metadata key of a snapshot',
    status: 200,
    policy: 'volume:update_snapshot_metadata',
    body: metaBody,
    target: snapshotOfPath,
    handler: async (call, { body: { meta }, target }) => {
      const key = param(call, 'key');
      if (!Object.hasOwn(meta, key)) throw badRequest(`Request body and URI mismatch: meta has no key ${key}`);
      await setMetadata(call, target, meta, false);
      return { meta };
    },
  }),
  route({
    id: 'snapshot-metadata-delete-key',
    method: 'DELETE',
    path: '/snapshots/{snapshot_id}/metadata/{key}',
    summary: 'Delete one metadata key of a snapshot',
    status: 200,
    policy: ['volume:get_snapshot_metadata', 'volume:delete_snapshot_metadata'],
    target: snapshotOfPath,
    handler: async (call, { target }) => {
      const removal = { snapshotId: target.id, volumeId: target.volumeId, key: param(call, 'key') };
      await settled(call, await call.deps.commands.snapshots.deleteMetadata(removal, commandContextOf(call)));
    },
    again: answersNothing,
  }),
];
