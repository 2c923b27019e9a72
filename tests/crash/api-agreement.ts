import { isDeepStrictEqual } from 'node:util';
import { poolStream, quotaStream, volumeStream } from '../../src/commands/streams.ts';
import { reservedOf } from '../../src/domain/quota/index.ts';
import { snapshotsOf } from '../../src/domain/volume/index.ts';
import type { LiveVolume, Snapshot } from '../../src/domain/volume/state.ts';
import { listAll, mustAsk } from './client.ts';
import type { LogView, Violation } from './log-view.ts';

type Shown = Readonly<Record<string, unknown>>;

const shownOfVolume = (volume: LiveVolume): Shown => ({
  id: volume.id,
  status: volume.status,
  size: volume.sizeGiB,
  name: volume.name,
  'os-vol-tenant-attr:tenant_id': volume.projectId,
  'os-vol-host-attr:host': volume.pool,
  volume_type_id: volume.volumeTypeId,
  availability_zone: volume.availabilityZone,
});

const shownOfSnapshot = (snapshot: Snapshot, volumeId: string): Shown => ({
  id: snapshot.id,
  volume_id: volumeId,
  status: snapshot.status,
  size: snapshot.sizeGiB,
  name: snapshot.name,
  metadata: snapshot.metadata,
  'os-extended-snapshot-attributes:project_id': snapshot.projectId,
});

/** Where a list of the API is not the list that the log makes: only the fields of `must` are looked at. */
function compare(
  kind: string,
  is: readonly (Shown & { readonly id: string })[],
  must: ReadonlyMap<string, { readonly shown: Shown; readonly stream: string }>,
): readonly Violation[] {
  const found: Violation[] = [];
  const listed = new Map(is.map((item) => [item.id, item]));
  for (const [id, { shown, stream }] of must) {
    const item = listed.get(id);
    if (item === undefined) {
      found.push({ what: `${kind} ${id} is not listed`, streams: [stream] });
      continue;
    }
    const differing = Object.keys(shown).filter((key) => !isDeepStrictEqual(item[key], shown[key]));
    for (const key of differing) {
      const what = `${kind} ${id}: ${key} is ${JSON.stringify(item[key])} instead of ${JSON.stringify(shown[key])}`;
      found.push({ what, streams: [stream] });
    }
  }
  for (const id of listed.keys()) {
    if (!must.has(id)) found.push({ what: `${kind} ${id} is listed and does not live`, streams: [volumeStream(id)] });
  }
  if (listed.size !== is.length) found.push({ what: `the list of ${kind}s has ${kind}s twice`, streams: [] });
  return found;
}

/** Where the API answers anything else than the domain's fold of the log. */
export async function differencesOfApi({
  log,
  url,
}: {
  readonly log: LogView;
  readonly url: string;
}): Promise<readonly Violation[]> {
  const volumes = new Map<string, { shown: Shown; stream: string }>();
  const snapshots = new Map<string, { shown: Shown; stream: string }>();
  const transfers = new Map<string, { shown: Shown; stream: string }>();
  for (const { volume } of log.volumes.values()) {
    if (volume === null || volume.deleted) continue;
    const stream = volumeStream(volume.id);
    volumes.set(volume.id, { shown: shownOfVolume(volume), stream });
    for (const snapshot of snapshotsOf(volume))
      snapshots.set(snapshot.id, { shown: shownOfSnapshot(snapshot, volume.id), stream });
    const { transfer } = volume;
    if (transfer !== null) transfers.set(transfer.id, { shown: { volume_id: volume.id, name: transfer.name }, stream });
  }
  type Item = Shown & { readonly id: string };
  return [
    ...compare('volume', await listAll<Item>(url, '/volumes/detail', 'volumes'), volumes),
    ...compare('snapshot', await listAll<Item>(url, '/snapshots/detail', 'snapshots'), snapshots),
    ...compare('transfer', await listAll<Item>(url, '/volume-transfers/detail', 'transfers'), transfers),
    ...(await differencesOfQuotas(log, url)),
    ...(await differencesOfPools(log, url)),
  ];
}

const COUNTED = ['volumes', 'snapshots', 'gigabytes'];

async function differencesOfQuotas(log: LogView, url: string): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  for (const [project, ledger] of log.quotas) {
    const set = (await mustAsk(url, 'GET', `/os-quota-sets/${encodeURIComponent(project)}?usage=true`)).json.quota_set;
    const reserved = reservedOf(ledger);
    for (const resource of COUNTED) {
      const must = (ledger.charged[resource] ?? 0) - (reserved[resource] ?? 0);
      const { in_use: is } = set[resource];
      if (is === must) continue;
      found.push({
        what: `quota of ${project}: ${is} ${resource} instead of ${must}`,
        streams: [quotaStream(project)],
      });
    }
  }
  return found;
}

async function differencesOfPools(log: LogView, url: string): Promise<readonly Violation[]> {
  const { pools } = (await mustAsk(url, 'GET', '/scheduler-stats/get_pools?detail=true')).json;
  const found: Violation[] = [];
  for (const { name, capabilities } of pools) {
    const ledger = log.pools.get(name);
    if (ledger === undefined) continue;
    const must = {
      allocated_capacity_gb: ledger.volumesGiB,
      provisioned_capacity_gb: ledger.volumesGiB + ledger.snapshotsGiB,
      total_volumes: ledger.volumes,
    };
    for (const [key, amount] of Object.entries(must)) {
      if (capabilities[key] === amount) continue;
      found.push({
        what: `pool ${name}: ${key} is ${capabilities[key]} instead of ${amount}`,
        streams: [poolStream(name)],
      });
    }
  }
  return found;
}
