import { z } from 'zod';
import { MESSAGE_FILTERS } from '../messages/filters.ts';
import { POOL_FILTERS } from '../pools/filters.ts';
import { type AnyRoute, route } from '../route.ts';
import { always } from '../schema-versions.ts';
import { SNAPSHOT_FILTERS } from '../snapshots/filters.ts';
import { TYPE_FILTERS } from '../volume-types/filters.ts';
import { VOLUME_FILTERS } from '../volumes/filters.ts';

/** The filters that everybody may use, by resource: those that the lists themselves go by. */
const FILTERS: Readonly<Record<string, ReadonlySet<string>>> = {
  volume: VOLUME_FILTERS.allowed,
  snapshot: SNAPSHOT_FILTERS.allowed,
  message: MESSAGE_FILTERS.allowed,
  pool: POOL_FILTERS,
  volume_type: TYPE_FILTERS.allowed,
};

export const resourceFilterRoutes: readonly AnyRoute[] = [
  route({
    id: 'resource-filters-list',
    method: 'GET',
    path: '/resource_filters',
    since: 33,
    summary: 'List the filters that lists take, by resource',
    status: 200,
    policy: null,
    query: always(() => z.looseObject({ resource: z.string().optional() })),
    handler: (_call, { query: { resource: asked = '' } }) => ({
      resource_filters: Object.entries(FILTERS)
        .filter(([resource]) => asked === '' || resource === asked)
        .map(([resource, filters]) => ({ resource, filters: [...filters] })),
    }),
  }),
];
