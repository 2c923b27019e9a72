import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { limitOf, live, type Model, PROJECTS, type Project, type Transfer, usageOf, type Volume } from './model.ts';
import type { Real } from './real.ts';

/** Where the server shows anything else than the model has: lists, and what quota says. */

type Shown = Readonly<Record<string, unknown>>;

/** Metadata that the server adds to what a client wrote (states.json volume.attach, volume.readonly-flag). */
const adminMetadata = ({ readonly, attachedMode }: Volume): Record<string, string> => ({
  ...(readonly === null ? {} : { readonly: readonly ? 'True' : 'False' }),
  ...(attachedMode === null ? {} : { attached_mode: attachedMode }),
});

/** Statuses that will do: a volume may fail whose source was deleted before it was read. */
const statusOf = ({ status, mayFail }: Volume, shown: unknown): unknown =>
  mayFail && shown === 'error' ? 'error' : status;

function volumeAs(volume: Volume, shown: Shown): Shown {
  return {
    status: statusOf(volume, shown.status),
    size: volume.size,
    name: volume.name,
    metadata: { ...volume.metadata, ...adminMetadata(volume) },
    volume_type: volume.type.name,
    bootable: String(volume.bootable),
    multiattach: volume.type.kind === 'multiattach',
    source: volume.source,
    servers: volume.attachments.map(({ instance }) => instance).sort(),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of any shape
const shownVolume = (item: any): Shown => ({
  status: item.status,
  size: item.size,
  name: item.name,
  metadata: item.metadata,
  volume_type: item.volume_type,
  bootable: item.bootable,
  multiattach: item.multiattach,
  source: item.source_volid ?? item.snapshot_id,
  servers: item.attachments.map(({ server_id: id }: { server_id: string }) => id).sort(),
});

function compareLists<Thing extends { readonly id: string }>(
  what: string,
  things: readonly Thing[],
  // biome-ignore lint/suspicious/noExplicitAny: bodies of any shape
  items: readonly any[],
  expected: (thing: Thing, shown: Shown) => Shown,
  // biome-ignore lint/suspicious/noExplicitAny: bodies of any shape
  shownOf: (item: any) => Shown,
): readonly string[] {
  const byId = new Map(items.map((item) => [item.id as string, shownOf(item)]));
  const missing = things.filter(({ id }) => !byId.has(id)).map(({ id }) => `${what} ${id} is not listed`);
  const ids = new Set(things.map(({ id }) => id));
  const extra = [...byId.keys()].filter((id) => !ids.has(id)).map((id) => `${what} ${id} is listed and should be gone`);
  const differing = things.flatMap((thing) => {
    const shown = byId.get(thing.id);
    if (shown === undefined) return [];
    const must = expected(thing, shown);
    return Object.keys(must)
      .filter((key) => !isDeepStrictEqual(shown[key], must[key]))
      .map(
        (key) =>
          `${what} ${thing.id}: ${key} is ${JSON.stringify(shown[key])}, the model has ${JSON.stringify(must[key])}`,
      );
  });
  return [...missing, ...extra, ...differing];
}

/** Operations that have not ended, in words. */
async function openOperations(real: Real): Promise<readonly string[]> {
  const lists = await Promise.all(
    PROJECTS.map((project) => real.ask({ method: 'GET', path: '/operations?limit=20', project, admin: true })),
  );
  return lists.flatMap(({ json }) =>
    json.operations
      .filter(({ ended_at: endedAt }: Shown) => endedAt === null)
      .map(({ kind, status, step }: Shown) => `operation ${kind} is ${status} at ${step}`),
  );
}

async function differencesOf(model: Model, real: Real, project: Project): Promise<readonly string[]> {
  const get = (path: string, admin = false) => real.ask({ method: 'GET', path, project, admin });
  const [volumes, snapshots, transfers, quota] = await Promise.all([
    get('/volumes/detail'),
    get('/snapshots/detail'),
    get('/volume-transfers/detail'),
    get(`/os-quota-sets/${real.projectIds[project]}?usage=true`, true),
  ]);
  const own = <T extends { readonly project: Project; readonly gone: boolean }>(things: readonly T[]): T[] =>
    live(things).filter((thing) => thing.project === project);
  return [
    ...compareLists('volume', own(model.volumes), volumes.json.volumes, volumeAs, shownVolume),
    ...compareLists(
      'snapshot',
      own(model.snapshots),
      snapshots.json.snapshots,
      ({ size, name, volume }) => ({ status: 'available', size, name, volume_id: volume.id }),
      (item) => item,
    ),
    ...compareLists(
      'transfer',
      live(model.transfers).filter(({ donor }) => donor === project),
      transfers.json.transfers,
      ({ volume, noSnapshots }: Transfer) => ({ volume_id: volume.id, no_snapshots: noSnapshots }),
      (item) => item,
    ),
    ...differencesOfQuota(model, project, quota.json.quota_set),
  ];
}

function differencesOfQuota(model: Model, project: Project, set: Readonly<Record<string, Shown>>): readonly string[] {
  const usage = usageOf(model, project);
  const counted = ['volumes', 'snapshots', 'gigabytes'];
  const keys = [...counted, ...live(model.types).flatMap(({ name }) => counted.map((key) => `${key}_${name}`))];
  return keys.flatMap((key) => {
    const must = { limit: limitOf(model, project, key), in_use: usage[key] ?? 0, reserved: 0 };
    return isDeepStrictEqual(set[key], must)
      ? []
      : [`quota of ${project}: ${key} is ${JSON.stringify(set[key])}, the model has ${JSON.stringify(must)}`];
  });
}

export async function differences(model: Model, real: Real): Promise<readonly string[]> {
  return (await Promise.all(PROJECTS.map((project) => differencesOf(model, real, project)))).flat();
}

const REST_WITHIN_MS = 15_000;
/** What differs for so long although nothing is being worked on will not come any more. */
const SAME_FOR_MS = 1_000;
/** An operation that was asked for just now may not be listed yet, but what it works on shows it. */
const WORKED_ON = /status is "(creating|deleting|extending|reverting|restoring)"/;

/** Waits until the server shows what the model has; what differs to the end is returned. */
export async function untilAgreed(model: Model, real: Real): Promise<readonly string[]> {
  const deadline = performance.now() + REST_WITHIN_MS;
  let last = '';
  let since = performance.now();
  for (;;) {
    const open = await openOperations(real);
    const found = open.length > 0 ? open : await differences(model, real);
    if (found.length === 0) return found;
    const now = performance.now();
    const text = found.join('\n');
    if (text !== last || open.length > 0 || WORKED_ON.test(text)) since = now;
    if (now > deadline || now - since > SAME_FOR_MS) return found;
    last = text;
    await sleep(5);
  }
}
