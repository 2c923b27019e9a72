import { createHash } from 'node:crypto';
import type { VolumeDocument } from '../../projections/volumes.ts';
import { type Call, commandContextOf, param, setHeader, settled } from '../call.ts';
import { badRequest, notFound } from '../faults.ts';
import { answersNothing } from '../repeat.ts';
import { type AnyRoute, route } from '../route.ts';
import { metaBody, metadataBody } from './schemas.ts';
import { visibleVolume, volumeOfPath } from './target.ts';

type Pairs = Readonly<Record<string, string>>;

const ETAGS = 15;

/** The etag of a volume's metadata: md5 of the body that shows it (contract/errors.md §1). */
const etagOf = (metadata: Pairs): string => createHash('md5').update(JSON.stringify({ metadata })).digest('hex');

/** From 3.15 a write goes ahead only when `If-Match` names the etag that holds at that moment, or `*`. */
function ifMatch(call: Call): { readonly expected?: (metadata: Pairs) => boolean } {
  const wanted = call.request.headers['if-match'];
  if (call.microversion < ETAGS || wanted === undefined) return {};
  const etags = wanted.split(',').map((etag) => etag.trim().replaceAll('"', ''));
  return etags.includes('*') ? {} : { expected: (metadata) => etags.includes(etagOf(metadata)) };
}

type Change = Omit<Parameters<Call['deps']['commands']['volumes']['setMetadata']>[0], 'volumeId'>;

async function setMetadata(call: Call, volumeId: string, change: Change): Promise<Pairs> {
  await settled(call, await call.deps.commands.volumes.setMetadata({ volumeId, ...change }, commandContextOf(call)));
  return (await visibleVolume(call, volumeId)).metadata;
}

function metadataValue({ id, metadata }: VolumeDocument, key: string): string {
  const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
  if (value === undefined) throw notFound(`Volume ${id} has no metadata with key ${key}.`);
  return value;
}

export const volumeMetadataRoutes: readonly AnyRoute[] = [
  route({
    id: 'volume-metadata-list',
    method: 'GET',
    path: '/volumes/{volume_id}/metadata',
    summary: "Show a volume's metadata",
    status: 200,
    policy: 'volume:get_volume_metadata',
    target: volumeOfPath,
    handler: (call, { target: { metadata } }) => {
      if (call.microversion >= ETAGS) setHeader(call, 'Etag', etagOf(metadata));
      return { metadata };
    },
  }),
  route({
    id: 'volume-metadata-create',
    method: 'POST',
    path: '/volumes/{volume_id}/metadata',
    summary: "Merge keys into a volume's metadata",
    status: 200,
    policy: 'volume:create_volume_metadata',
    body: metadataBody,
    target: volumeOfPath,
    handler: async (call, { body: { metadata }, target }) => ({
      metadata: await setMetadata(call, target.id, { metadata, replace: false }),
    }),
  }),
  route({
    id: 'volume-metadata-replace',
    method: 'PUT',
    path: '/volumes/{volume_id}/metadata',
    summary: "Replace a volume's metadata",
    status: 200,
    policy: 'volume:update_volume_metadata',
    body: metadataBody,
    target: volumeOfPath,
    handler: async (call, { body: { metadata }, target }) => ({
      metadata: await setMetadata(call, target.id, { metadata, replace: true, ...ifMatch(call) }),
    }),
  }),
  route({
    id: 'volume-metadata-show-key',
    method: 'GET',
    path: '/volumes/{volume_id}/metadata/{key}',
    summary: 'Show one metadata key of a volume',
    status: 200,
    policy: 'volume:get_volume_metadata',
    target: volumeOfPath,
    handler: (call, { target }) => {
      const key = param(call, 'key');
      return { meta: { [key]: metadataValue(target, key) } };
    },
  }),
  route({
    id: 'volume-metadata-update-key',
    method: 'PUT',
    path: '/volumes/{volume_id}/metadata/{key}',
    summary: 'Set one metadata key of a volume',
    status: 200,
    policy: 'volume:update_volume_metadata',
    body: metaBody,
    target: volumeOfPath,
    handler: async (call, { body: { meta }, target }) => {
      const key = param(call, 'key');
      if (!Object.hasOwn(meta, key)) throw badRequest(`Request body and URI mismatch: meta has no key ${key}`);
      await setMetadata(call, target.id, { metadata: meta, replace: false, ...ifMatch(call) });
      return { meta };
    },
  }),
  route({
    id: 'volume-metadata-delete-key',
    method: 'DELETE',
    path: '/volumes/{volume_id}/metadata/{key}',
    summary: 'Delete one metadata key of a volume',
    status: 200,
    policy: ['volume:get_volume_metadata', 'volume:delete_volume_metadata'],
    target: volumeOfPath,
    handler: async (call, { target }) => {
      const removal = { volumeId: target.id, key: param(call, 'key') };
      await settled(call, await call.deps.commands.volumes.deleteMetadata(removal, commandContextOf(call)));
    },
    again: answersNothing,
  }),
];
