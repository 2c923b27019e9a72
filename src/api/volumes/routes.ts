import { z } from 'zod';
import type { VolumeDocument } from '../../projections/volumes.ts';
import { authorize, type Call, commandContextOf, settled } from '../call.ts';
import { booleanQuery } from '../field-schemas.ts';
import { type Listed, listBody, listOf, listQuery, listRest } from '../list.ts';
import { answersNothing } from '../repeat.ts';
import { type AnyRoute, route } from '../route.ts';
import { always, andFrom, type SchemaVersions } from '../schema-versions.ts';
import { written, writtenList } from '../written.ts';
import { createdVolumeAgain, volumeAnswer } from './answer.ts';
import { createVolume } from './create.ts';
import { VOLUME_FILTERS, VOLUME_SORT } from './filters.ts';
import { createVolumeBody, updateVolumeBody } from './schemas.ts';
import { volumeNotFound, volumeOfPath } from './target.ts';
import { volumeSummaryView } from './views.ts';
import { volumeFullText } from './written.ts';

const listVolumes = (call: Call, path: string): Promise<Listed<VolumeDocument>> =>
  listOf(call, {
    source: call.deps.queries.volumes,
    filters: VOLUME_FILTERS,
    sort: VOLUME_SORT,
    path,
    markerNotFound: volumeNotFound,
  });

const query = listQuery(VOLUME_FILTERS, ['glance_metadata', 'with_count']);

/** `force` is read from 3.23 on, and ignored below. */
const deleteQuery: SchemaVersions<{ readonly cascade: boolean; readonly force: boolean }> = andFrom(
  always(() => z.object({ cascade: booleanQuery('cascade') }).transform(({ cascade }) => ({ cascade, force: false }))),
  23,
  () => z.object({ cascade: booleanQuery('cascade'), force: booleanQuery('force') }),
);

export const volumeRoutes: readonly AnyRoute[] = [
  route({
    id: 'volumes-list',
    method: 'GET',
    path: '/volumes',
    summary: 'List volumes, brief',
    status: 200,
    policy: 'volume:get_all',
    query,
    handler: async (call) => {
      const listed = await listVolumes(call, '/volumes');
      const items = listed.documents.map((volume) => volumeSummaryView(call, volume));
      return listBody('volumes', items, listed);
    },
  }),
  route({
    id: 'volumes-list-detail',
    method: 'GET',
    path: '/volumes/detail',
    summary: 'List volumes with details',
    status: 200,
    policy: 'volume:get_all',
    query,
    handler: async (call) => {
      const listed = await listVolumes(call, '/volumes/detail');
      const items: string[] = [];
      for (const volume of listed.documents) {
        const typeName = call.deps.typeNames.nameOf(volume.volumeTypeId);
        items.push(volumeFullText(call, volume, typeName instanceof Promise ? await typeName : typeName));
      }
      return writtenList('volumes', listed.documents, items, listRest('volumes_links', listed));
    },
  }),
  route({
    id: 'volumes-summary',
    method: 'GET',
    path: '/volumes/summary',
    since: 12,
    summary: 'Count and total size of volumes',
    status: 200,
    policy: 'volume:get_all',
    query: always(() => z.looseObject({ all_tenants: booleanQuery('all_tenants') })),
    handler: async (call, { query: { all_tenants: everywhere } }) => {
      const { volumes } = call.deps.queries;
      const projectId = call.caller.isAdmin && everywhere ? null : call.caller.projectId;
      const { count, totalSizeGiB } = await volumes.summary(projectId);
      const counted = { total_size: totalSizeGiB, total_count: count };
      if (call.microversion < 36) return { 'volume-summary': counted };
      return { 'volume-summary': { ...counted, metadata: await volumes.distinctMetadata(projectId) } };
    },
  }),
  route({
    id: 'volumes-create',
    method: 'POST',
    path: '/volumes',
    summary: 'Create a volume',
    status: 202,
    policy: 'volume:create',
    body: createVolumeBody,
    handler: (call, { body }) => createVolume(call, body),
    again: createdVolumeAgain,
  }),
  route({
    id: 'volumes-show',
    method: 'GET',
    path: '/volumes/{volume_id}',
    summary: 'Show a volume',
    status: 200,
    policy: 'volume:get',
    target: volumeOfPath,
    handler: (call, { target: volume }) => {
      const typeName = call.deps.typeNames.nameOf(volume.volumeTypeId);
      const answer = (name: string | null) => written(`{"volume":${volumeFullText(call, volume, name)}}`);
      return typeName instanceof Promise ? typeName.then(answer) : answer(typeName);
    },
  }),
  route({
    id: 'volumes-update',
    method: 'PUT',
    path: '/volumes/{volume_id}',
    summary: 'Rename a volume or replace its metadata',
    status: 200,
    policy: 'volume:update',
    body: updateVolumeBody,
    target: volumeOfPath,
    handler: async (call, { body, target }) => {
      const { name, display_name, description, display_description, metadata } = body.volume;
      const newName = name === undefined ? display_name : name;
      const newDescription = description === undefined ? display_description : description;
      const change = {
        volumeId: target.id,
        ...(newName === undefined ? {} : { name: newName }),
        ...(newDescription === undefined ? {} : { description: newDescription }),
        ...(metadata === undefined ? {} : { metadata }),
      };
      await settled(call, await call.deps.commands.volumes.update(change, commandContextOf(call)));
      return volumeAnswer(call, target.id);
    },
  }),
  route({
    id: 'volumes-delete',
    method: 'DELETE',
    path: '/volumes/{volume_id}',
    summary: 'Delete a volume',
    status: 202,
    policy: 'volume:delete',
    query: deleteQuery,
    target: volumeOfPath,
    handler: async (call, { query: { cascade, force }, target }) => {
      if (force) authorize(call, 'volume:force_delete', target.projectId);
      const deletion = { volumeId: target.id, cascade, force };
      await settled(call, await call.deps.commands.volumes.delete(deletion, commandContextOf(call)));
    },
    again: answersNothing,
  }),
];
