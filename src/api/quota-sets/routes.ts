import { z } from 'zod';
import { type Call, commandContextOf, param, settled } from '../call.ts';
import { booleanQuery } from '../field-schemas.ts';
import { refuseUnfitName } from '../path-names.ts';
import { type AnyRoute, route } from '../route.ts';
import { always } from '../schema-versions.ts';
import { defaultLimits, limitsByName, limitsOnly, quotaNames, quotaOf } from './resources.ts';
import { limitsOfBody, quotaSetBody } from './schemas.ts';

const PATH = '/os-quota-sets/{target_project_id}';

/** The project that the path names: rules are judged against it, so another project's set is a 403. */
const targetProject = (call: Call): Promise<{ readonly projectId: string }> =>
  Promise.resolve({ projectId: param(call, 'target_project_id') });

export const quotaSetRoutes: readonly AnyRoute[] = [
  route({
    id: 'quota-show',
    method: 'GET',
    path: PATH,
    summary: "Show a project's limits, and with `usage` what it uses of them",
    status: 200,
    policy: 'volume_extension:quotas:show',
    query: always(() => z.looseObject({ usage: booleanQuery('usage') })),
    target: targetProject,
    handler: async (call, { query: { usage }, target: { projectId } }) => {
      const quota = await quotaOf(call, projectId);
      return { quota_set: { ...(usage ? quota : limitsOnly(quota)), id: projectId } };
    },
  }),
  route({
    id: 'quota-defaults',
    method: 'GET',
    path: `${PATH}/defaults`,
    summary: 'Show the limits that a project has without any of its own',
    status: 200,
    policy: 'volume_extension:quotas:show',
    target: targetProject,
    handler: async (call, { target: { projectId } }) => {
      const limits = limitsByName(await quotaNames(call), {}, await defaultLimits(call));
      return { quota_set: { ...limits, id: projectId } };
    },
  }),
  route({
    id: 'quota-update',
    method: 'PUT',
    path: PATH,
    summary: "Set some of a project's limits",
    status: 200,
    policy: 'volume_extension:quotas:update',
    body: quotaSetBody,
    // a bad key is a 400 for everybody: bodies are checked before rights (contract/errors.md §3)
    target: async (call, { quota_set: set }) => {
      const projectId = param(call, 'target_project_id');
      return { projectId, limits: limitsOfBody(set, await quotaNames(call)) };
    },
    handler: async (call, { target: { projectId, limits } }) => {
      refuseUnfitName('quota_set_name', projectId);
      await settled(call, await call.deps.commands.quotas.setLimits({ projectId, limits }, commandContextOf(call)));
      return { quota_set: limitsOnly(await quotaOf(call, projectId)) };
    },
  }),
  route({
    id: 'quota-delete',
    method: 'DELETE',
    path: PATH,
    summary: "Drop a project's own limits: the defaults apply again",
    status: 200,
    policy: 'volume_extension:quotas:delete',
    target: targetProject,
    handler: async (call, { target: { projectId } }) => {
      await settled(call, await call.deps.commands.quotas.deleteLimits({ projectId }, commandContextOf(call)));
    },
  }),
];
