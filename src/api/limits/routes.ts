import { type Call, can } from '../call.ts';
import { type QuotaUsage, quotaOf } from '../quota-sets/resources.ts';
import { type AnyRoute, route } from '../route.ts';

const ADMINISTRATORS_CHOOSE = 39;

const MAXIMA = {
  maxTotalVolumes: 'volumes',
  maxTotalSnapshots: 'snapshots',
  maxTotalVolumeGigabytes: 'gigabytes',
  maxTotalBackups: 'backups',
  maxTotalBackupGigabytes: 'backup_gigabytes',
} as const;

const USED = {
  totalVolumesUsed: 'volumes',
  totalSnapshotsUsed: 'snapshots',
  totalGigabytesUsed: 'gigabytes',
  totalBackupsUsed: 'backups',
  totalBackupGigabytesUsed: 'backup_gigabytes',
} as const;

const figures = (
  names: Readonly<Record<string, string>>,
  quota: Readonly<Record<string, QuotaUsage>>,
  figure: 'limit' | 'in_use',
): Record<string, number> =>
  Object.fromEntries(Object.entries(names).map(([shown, name]) => [shown, quota[name]?.[figure] ?? 0]));

/** The caller's project; from 3.39 administrators may ask for another. */
function projectAsked({ caller, microversion, query }: Call): string {
  if (!caller.isAdmin || microversion < ADMINISTRATORS_CHOOSE) return caller.projectId;
  return query.project_id ?? query.tenant_id ?? caller.projectId;
}

export const limitRoutes: readonly AnyRoute[] = [
  route({
    id: 'limits-show',
    method: 'GET',
    path: '/limits',
    summary: 'Show the limits of a project and what it uses of them',
    status: 200,
    policy: null,
    handler: async (call) => {
      const quota = await quotaOf(call, projectAsked(call));
      const maxima = figures(MAXIMA, quota, 'limit');
      const used = can(call, 'limits_extension:used_limits') ? figures(USED, quota, 'in_use') : {};
      return { limits: { rate: [], absolute: { ...maxima, ...used } } };
    },
  }),
];
