import type { Document, Where } from '../../ports/read-store.ts';
import type { Listing } from '../../projections/listing.ts';
import type { Call } from '../call.ts';

/** What one project has on a host, as the host's page shows it. */
export interface HostUsage {
  readonly volumes: number;
  readonly volumesGiB: number;
  readonly snapshots: number;
  readonly snapshotsGiB: number;
}

const NOTHING: HostUsage = { volumes: 0, volumesGiB: 0, snapshots: 0, snapshotsGiB: 0 };
const PAGE = 1_000;

/** All documents that match, page by page. */
async function* pages<D extends Document>(listing: Listing<D>, where: Where): AsyncGenerator<readonly D[]> {
  let marker: D | null = null;
  do {
    const page: readonly D[] = await listing.list({ projectId: null, where, marker, limit: PAGE });
    yield page;
    marker = page.length < PAGE ? null : (page.at(-1) ?? null);
  } while (marker !== null);
}

/** Volumes and snapshots in the pools of `host@backend`, by project; reads each of its volumes. */
export async function hostUsage({ deps }: Call, host: string): Promise<ReadonlyMap<string, HostUsage>> {
  const byProject = new Map<string, HostUsage>();
  const add = (projectId: string, change: Partial<HostUsage>): void => {
    const before = byProject.get(projectId) ?? NOTHING;
    byProject.set(projectId, sum(before, { ...NOTHING, ...change }));
  };
  // '$' follows '#': everything of the form host#pool
  for await (const volumes of pages(deps.queries.volumes, { host: { gte: `${host}#`, lt: `${host}$` } })) {
    for (const { projectId, sizeGiB } of volumes) add(projectId, { volumes: 1, volumesGiB: sizeGiB });
    if (volumes.length === 0) continue;
    const ofVolumes = { volumeId: { in: volumes.map(({ id }) => id) } };
    for await (const snapshots of pages(deps.queries.snapshots, ofVolumes)) {
      for (const { projectId, sizeGiB } of snapshots) add(projectId, { snapshots: 1, snapshotsGiB: sizeGiB });
    }
  }
  return byProject;
}

export const totalUsage = (usages: Iterable<HostUsage>): HostUsage => [...usages].reduce(sum, NOTHING);

const sum = (one: HostUsage, other: HostUsage): HostUsage => ({
  volumes: one.volumes + other.volumes,
  volumesGiB: one.volumesGiB + other.volumesGiB,
  snapshots: one.snapshots + other.snapshots,
  snapshotsGiB: one.snapshotsGiB + other.snapshotsGiB,
});
