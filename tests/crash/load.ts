import { deriveId, resourceIdOf } from '../../src/domain/kernel/ids.ts';
import { type Acknowledged, Unexpected } from './acknowledged.ts';
import { type Ask, ask, listAll, type MaybeAnswer, type Sender } from './client.ts';
import type { Random } from './random.ts';

export const PROJECTS = ['alpha', 'beta'] as const;
export const TYPE_OF_SMALL_POOL = 'small';

interface KnownVolume {
  readonly id: string;
  readonly project: string;
  sizeGiB: number;
  readonly snapshots: string[];
}

/** Clients that do everything at once, until the server is killed under them. */
export interface Load {
  /** Runs until the signal aborts; throws Unexpected for an answer that nobody should get. */
  run(url: string, clients: number, signal: AbortSignal): Promise<void>;
  /** Sends creations again whose answer never came. */
  repeatUnanswered(url: string): Promise<void>;
}

/** More live volumes than this, and the load deletes rather than creates. */
const MANY_VOLUMES = 90;

/** `sender` chooses where requests go when there are more servers than the one that `run` is given. */
export function createLoad(random: Random, acknowledged: Acknowledged, sender: Sender = ask): Load {
  let url = '';
  let volumes = new Map<string, KnownVolume>();
  let counter = 0;

  const send = async (
    what: string,
    volumeId: string,
    method: string,
    path: string,
    options: Ask & { readonly repeated?: boolean } = {},
  ): Promise<MaybeAnswer> => {
    acknowledged.noteSent(what);
    const { repeated = false, ...request } = options;
    const answer = await sender(url, method, path, request);
    if (answer === null) acknowledged.noteNoAnswer();
    else acknowledged.noteAnswer(answer, { what, volumeId, repeated });
    return answer;
  };

  const accepted = (answer: MaybeAnswer): answer is NonNullable<MaybeAnswer> =>
    answer !== null && answer.status >= 200 && answer.status < 300;

  const aVolume = (): KnownVolume | undefined => random.pick([...volumes.values()]);
  const aVolumeWithSnapshots = (): KnownVolume | undefined =>
    random.pick([...volumes.values()].filter(({ snapshots }) => snapshots.length > 0));

  const known = (answer: MaybeAnswer, project: string): void => {
    if (!accepted(answer)) return;
    const { id, size } = answer.json.volume;
    acknowledged.noteCreation(id);
    volumes.set(id, { id, project, sizeGiB: size, snapshots: [] });
  };

  const create = async (what: string, project: string, fields: object): Promise<void> => {
    counter += 1;
    const body = { volume: { name: `${what} ${counter}`, metadata: { number: String(counter) }, ...fields } };
    const key = random.chance(0.4) ? `key-${counter}` : null;
    const headers = key === null ? {} : { 'Idempotency-Key': key };
    const answer = await send(what, 'new', 'POST', '/volumes', { project, body, headers });
    if (answer === null && key !== null) acknowledged.noteUnanswered({ project, key, body });
    known(answer, project);
  };

  const action = (volume: KnownVolume, what: string, body: object, project = volume.project): Promise<MaybeAnswer> =>
    send(what, volume.id, 'POST', `/volumes/${volume.id}/action`, { project, body });

  const deletion = async (volume: KnownVolume, what: string, query: string): Promise<void> => {
    acknowledged.noteDeletion(volume.id);
    const { project } = volume;
    if (accepted(await send(what, volume.id, 'DELETE', `/volumes/${volume.id}${query}`, { project })))
      volumes.delete(volume.id);
  };

  const onVolume = (act: (volume: KnownVolume) => Promise<unknown>) => async (): Promise<void> => {
    const volume = aVolume();
    if (volume !== undefined) await act(volume);
  };

  const onSnapshot =
    (act: (snapshotId: string, volume: KnownVolume) => Promise<unknown>) => async (): Promise<void> => {
      const volume = aVolumeWithSnapshots();
      const snapshotId = random.pick(volume?.snapshots ?? []);
      if (volume !== undefined && snapshotId !== undefined) await act(snapshotId, volume);
    };

  const createEmpty = (): Promise<void> =>
    create('create', random.pick(PROJECTS) ?? 'alpha', {
      size: random.between(1, 3),
      volume_type: random.chance(0.35) ? TYPE_OF_SMALL_POOL : null,
    });

  const forgetSnapshot = (volume: KnownVolume, snapshotId: string): void => {
    const at = volume.snapshots.indexOf(snapshotId);
    if (at >= 0) volume.snapshots.splice(at, 1);
  };

  const deleteSnapshot = async (snapshotId: string, volume: KnownVolume): Promise<void> => {
    const { project } = volume;
    if (accepted(await send('delete snapshot', volume.id, 'DELETE', `/snapshots/${snapshotId}`, { project })))
      forgetSnapshot(volume, snapshotId);
  };

  const forceDeleteSnapshot = async (snapshotId: string, volume: KnownVolume): Promise<void> => {
    const { project } = volume;
    const path = `/snapshots/${snapshotId}/action`;
    const body = { 'os-force_delete': {} };
    if (accepted(await send('force-delete snapshot', volume.id, 'POST', path, { project, body })))
      forgetSnapshot(volume, snapshotId);
  };

  const createSnapshot = async (volume: KnownVolume): Promise<void> => {
    const { id: volume_id, project } = volume;
    const body = { snapshot: { volume_id, metadata: { of: volume_id } } };
    const answer = await send('create snapshot', volume_id, 'POST', '/snapshots', { project, body });
    if (accepted(answer)) volume.snapshots.push(answer.json.snapshot.id);
  };

  const extend = async (volume: KnownVolume): Promise<void> => {
    const new_size = volume.sizeGiB + random.between(1, 2);
    if (accepted(await action(volume, 'extend', { 'os-extend': { new_size } }))) volume.sizeGiB = new_size;
  };

  const changeMetadata = async (volume: KnownVolume): Promise<void> => {
    counter += 1;
    const body = { metadata: { changed: String(counter) } };
    await send('metadata', volume.id, 'POST', `/volumes/${volume.id}/metadata`, { project: volume.project, body });
  };

  const rename = async (volume: KnownVolume): Promise<void> => {
    counter += 1;
    const body = { volume: { name: `renamed ${counter}` } };
    await send('rename', volume.id, 'PUT', `/volumes/${volume.id}`, { project: volume.project, body });
  };

  const transfer = async (volume: KnownVolume): Promise<void> => {
    const { id: volume_id, project } = volume;
    const body = { transfer: { volume_id, name: null, no_snapshots: random.chance(0.3) } };
    const offered = await send('offer', volume_id, 'POST', '/volume-transfers', { project, body });
    if (!accepted(offered)) return;
    const { id, auth_key } = offered.json.transfer;
    if (random.chance(0.2)) {
      await send('withdraw', volume_id, 'DELETE', `/volume-transfers/${id}`, { project });
      return;
    }
    const other = project === 'alpha' ? 'beta' : 'alpha';
    const accept = { project: other, body: { accept: { auth_key } } };
    const answer = await send('accept', volume_id, 'POST', `/volume-transfers/${id}/accept`, accept);
    if (accepted(answer)) volumes.set(volume_id, { ...volume, project: other, snapshots: [] });
  };

  const attachAndDetach = async (volume: KnownVolume): Promise<void> => {
    const attach = { 'os-attach': { instance_uuid: crypto.randomUUID(), mountpoint: '/dev/vdb' } };
    if (accepted(await action(volume, 'attach', attach))) await action(volume, 'detach', { 'os-detach': {} });
  };

  const deletions = [
    [14, onVolume((volume) => deletion(volume, 'delete', ''))],
    [6, onVolume((volume) => deletion(volume, 'cascade delete', '?cascade=true'))],
    [3, onVolume((volume) => deletion(volume, 'force cascade delete', '?cascade=true&force=true'))],
    [
      5,
      onVolume(async (volume) => {
        acknowledged.noteDeletion(volume.id);
        if (accepted(await action(volume, 'force-delete', { 'os-force_delete': {} }))) volumes.delete(volume.id);
      }),
    ],
    [8, onSnapshot(deleteSnapshot)],
    [3, onSnapshot(forceDeleteSnapshot)],
  ] as const;
  const creations = [
    [20, createEmpty],
    [9, onSnapshot((snapshot_id, { project }) => create('create from snapshot', project, { snapshot_id }))],
    [9, onVolume(({ id: source_volid, project }) => create('clone', project, { source_volid }))],
    [14, onVolume(createSnapshot)],
  ] as const;
  const changes = [
    [10, onVolume(extend)],
    [5, onSnapshot((snapshot_id, volume) => action(volume, 'revert', { revert: { snapshot_id } }))],
    [6, onVolume(changeMetadata)],
    [3, onVolume(rename)],
    [6, onVolume(transfer)],
    [3, onVolume(attachAndDetach)],
  ] as const;

  const act = (): Promise<void> => {
    const actions = [...deletions, ...changes, ...(volumes.size > MANY_VOLUMES ? [] : creations)];
    return random.weighted<() => Promise<void>>(actions)();
  };

  /** What is there now, as any client can see it. */
  const look = async (): Promise<void> => {
    const found = await listAll<Record<string, string> & { id: string; size: number }>(
      url,
      '/volumes/detail',
      'volumes',
    );
    volumes = new Map(
      found.map(({ id, size, 'os-vol-tenant-attr:tenant_id': project = '' }) => [
        id,
        { id, project, sizeGiB: size, snapshots: [] },
      ]),
    );
    const snapshots = await listAll<{ id: string; volume_id: string }>(url, '/snapshots/detail', 'snapshots');
    for (const { id, volume_id } of snapshots) volumes.get(volume_id)?.snapshots.push(id);
  };

  const client = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await act();
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 15)));
    }
  };

  return {
    run: async (at, clients, signal) => {
      url = at;
      await look();
      await Promise.all(Array.from({ length: clients }, () => client(signal)));
    },
    repeatUnanswered: async (at) => {
      url = at;
      for (const { project, key, body } of acknowledged.takeUnanswered()) {
        const headers = { 'Idempotency-Key': key };
        const options = { project, body, headers, repeated: true };
        const answer = await send('create again', 'new', 'POST', '/volumes', options);
        known(answer, project);
        const id = resourceIdOf(deriveId(project, key), 'volume');
        if (accepted(answer) && answer.json.volume.id !== id)
          throw new Unexpected(`key ${key} made volume ${answer.json.volume.id} instead of ${id}`);
      }
    },
  };
}
