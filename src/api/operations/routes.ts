import { z } from 'zod';
import { reject } from '../../domain/kernel/rejection.ts';
import type { OperationDocument } from '../../projections/operations.ts';
import { type Call, can, commandContextOf, param, settled } from '../call.ts';
import { type Fault, faultOf } from '../faults.ts';
import type { FilterRules } from '../filters.ts';
import { listBody, listOf, listQuery } from '../list.ts';
import { type AnyRoute, route } from '../route.ts';
import { always } from '../schema-versions.ts';
import type { SortFields } from '../sorting.ts';
import { operationDetailView, operationView } from './views.ts';

/** Long-running things, beyond the original's API: what is under way, what happened, what waits for an operator. */

const FILTERS: FilterRules = {
  fields: {
    status: { field: 'status', kind: 'raw' },
    kind: { field: 'kind', kind: 'raw' },
    resource_id: { field: 'resourceId', kind: 'raw' },
    volume_id: { field: 'volumeId', kind: 'raw' },
    request_id: { field: 'requestId', kind: 'raw' },
    project_id: { field: 'projectId', kind: 'raw' },
  },
  allowed: new Set(['status', 'kind', 'resource_id', 'volume_id', 'request_id']),
};

const SORT: SortFields = { status: 'status', kind: 'kind' };

const missing = (id: string): Fault => faultOf(reject('OperationNotFound', { id }));

/** The operation that the path names; another project's is not found. */
async function operationOfPath(call: Call): Promise<OperationDocument> {
  const id = param(call, 'operation_id');
  const operation = await call.deps.queries.operations.get(id);
  if (operation === null || !can(call, 'operations:get', operation.projectId)) throw missing(id);
  return operation;
}

const SUMMARIES = {
  retry: 'Go on with a parked operation where it stopped',
  abandon: 'Give up undoing a parked operation on its backend, and end it',
} as const;

const resumeRoute = (action: keyof typeof SUMMARIES): AnyRoute =>
  route({
    id: `operations-${action}`,
    method: 'POST',
    path: '/operations/{operation_id}/action',
    action,
    summary: SUMMARIES[action],
    status: 202,
    policy: 'operations:resume',
    body: always(() => z.strictObject({ [action]: z.strictObject({}).nullable() })),
    target: operationOfPath,
    handler: async (call, { target: { id: operationId } }) => {
      const resumption = { operationId, action };
      await settled(call, await call.deps.commands.operations.resume(resumption, commandContextOf(call)));
    },
  });

export const operationRoutes: readonly AnyRoute[] = [
  route({
    id: 'operations-list',
    method: 'GET',
    path: '/operations',
    summary: 'List operations',
    status: 200,
    policy: 'operations:get_all',
    query: listQuery(FILTERS),
    handler: async (call) => {
      const listed = await listOf(call, {
        source: call.deps.queries.operations,
        filters: FILTERS,
        sort: SORT,
        path: '/operations',
        markerNotFound: (marker) => missing(marker).message,
      });
      const items = listed.documents.map((operation) => operationView(call, operation));
      return listBody('operations', items, listed);
    },
  }),
  route({
    id: 'operations-show',
    method: 'GET',
    path: '/operations/{operation_id}',
    summary: 'Show an operation and its timeline',
    status: 200,
    policy: 'operations:get',
    target: operationOfPath,
    handler: (call, { target: operation }) => ({ operation: operationDetailView(call, operation) }),
  }),
  resumeRoute('retry'),
  resumeRoute('abandon'),
];
