import { z } from 'zod';
import type { DefaultTypeDocument } from '../../projections/volume-types.ts';
import { type Call, commandContextOf, param, settled } from '../call.ts';
import { badRequest, notFound } from '../faults.ts';
import { refuseUnfitName } from '../path-names.ts';
import { type AnyRoute, route } from '../route.ts';
import { always } from '../schema-versions.ts';
import { notBlank } from '../volume-types/schemas.ts';
import { typeByIdOrName, typeNotFound } from '../volume-types/target.ts';

/** The volume type of a project's volumes where their creation names none (3.62). */

const PATH = '/default-types/{target_project_id}';
const SINCE = 62;

const defaultTypeBody = always(() =>
  z.looseObject({ default_type: z.strictObject({ volume_type: notBlank('volume_type') }) }),
);

const view = ({ id, volumeTypeId }: DefaultTypeDocument): object => ({ project_id: id, volume_type_id: volumeTypeId });

const targetProject = (call: Call): Promise<{ readonly projectId: string }> =>
  Promise.resolve({ projectId: param(call, 'target_project_id') });

export const defaultTypeRoutes: readonly AnyRoute[] = [
  route({
    id: 'default-types-set',
    method: 'PUT',
    path: PATH,
    since: SINCE,
    summary: "Set a project's default volume type",
    status: 200,
    policy: 'volume_extension:default_set_or_update',
    body: defaultTypeBody,
    target: targetProject,
    handler: async (call, { body, target: { projectId } }) => {
      refuseUnfitName('project_id', projectId);
      const named = body.default_type.volume_type;
      const type = await typeByIdOrName(call, named);
      if (type === null) throw badRequest(typeNotFound(named));
      const setting = { projectId, typeId: type.id };
      await settled(call, await call.deps.commands.volumeTypes.setDefault(setting, commandContextOf(call)));
      return { default_type: view({ id: projectId, volumeTypeId: type.id }) };
    },
  }),
  route({
    id: 'default-types-show',
    method: 'GET',
    path: PATH,
    since: SINCE,
    summary: "Show a project's default volume type",
    status: 200,
    policy: 'volume_extension:default_get',
    target: targetProject,
    handler: async (call, { target: { projectId } }) => {
      const found = await call.deps.queries.defaultTypes.get(projectId);
      if (found === null) throw notFound(`Default type for project ${projectId} not found.`);
      return { default_type: view(found) };
    },
  }),
  route({
    id: 'default-types-list',
    method: 'GET',
    path: '/default-types',
    since: SINCE,
    summary: 'List the default volume types of projects',
    status: 200,
    policy: 'volume_extension:default_get_all',
    handler: async (call) => ({ default_types: (await call.deps.queries.defaultTypes.all()).map(view) }),
  }),
  route({
    id: 'default-types-delete',
    method: 'DELETE',
    path: PATH,
    since: SINCE,
    summary: "Unset a project's default volume type",
    status: 204,
    policy: 'volume_extension:default_unset',
    target: targetProject,
    handler: async (call, { target: { projectId } }) => {
      await settled(call, await call.deps.commands.volumeTypes.unsetDefault({ projectId }, commandContextOf(call)));
    },
  }),
];
