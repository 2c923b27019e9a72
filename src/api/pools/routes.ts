import { z } from 'zod';
import { booleanQuery } from '../field-schemas.ts';
import { type AnyRoute, route } from '../route.ts';
import { always } from '../schema-versions.ts';
import { selectPools } from './filters.ts';
import { poolDetailView, poolView } from './views.ts';

const query = always(() =>
  z.looseObject({
    detail: booleanQuery('detail'),
    name: z.string().optional(),
    volume_type: z.string().optional(),
  }),
);

export const poolRoutes: readonly AnyRoute[] = [
  route({
    id: 'scheduler-pools-list',
    method: 'GET',
    path: '/scheduler-stats/get_pools',
    summary: 'List the pools that volumes may be placed on',
    status: 200,
    policy: 'scheduler_extension:scheduler_stats:get_pools',
    query,
    handler: async (call, { query: { detail } }) => {
      const { usable } = await call.deps.poolReports.read();
      const pools = await selectPools(call, usable);
      return { pools: pools.map(detail ? poolDetailView : poolView) };
    },
  }),
];
