import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quotaStream, volumeStream } from '../../src/commands/streams.ts';
import type { Answer } from '../crash/client.ts';
import { createLocalServer, type LocalServer, UNLIMITED } from './local-server.ts';

const CLIENTS = 64;
const ROUNDS = 25;

const times = <T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)));

const accepted = ({ status }: Answer): boolean => status === 202 || status === 200;
const countOf = (answers: readonly Answer[], status: number): number =>
  answers.filter((answer) => answer.status === status).length;

/** The same race on many volumes at once; what came of each is looked at when everything is at rest. */
async function race<T>(
  server: LocalServer,
  fire: (volumeId: string) => Promise<T>,
  verify: (volumeId: string, outcome: T) => Promise<void>,
): Promise<void> {
  const created = await times(ROUNDS, () => server.create({}));
  await server.rest();
  const outcomes = await Promise.all(
    created.map(async ({ json }) => [json.volume.id, await fire(json.volume.id)] as const),
  );
  await server.rest();
  for (const [volumeId, outcome] of outcomes) await verify(volumeId, outcome);
}

const acceptedOf = (answers: readonly Answer[]): number => answers.filter(accepted).length;

const typesOf = async (server: LocalServer, volumeId: string): Promise<readonly string[]> =>
  (await server.eventsOf(volumeStream(volumeId))).map(({ type }) => type);

describe('64 clients for the last GiB', () => {
  describe('of a quota', () => {
    const server = createLocalServer({ quota: { ...UNLIMITED, gigabytes: 10 } });
    beforeAll(() => server.start());
    afterAll(() => server.dispose());

    it('one gets it, the others are refused at once and leave nothing', async () => {
      await server.available({ size: 9 });
      const answers = await times(CLIENTS, (index) => server.create({ name: `client ${index}` }));
      expect([countOf(answers, 202), countOf(answers, 413)]).toEqual([1, CLIENTS - 1]);
      await server.rest();
      expect(server.log.quotas.get('alpha')?.charged).toMatchObject({ volumes: 2, gigabytes: 10 });
      const charges = (await server.eventsOf(quotaStream('alpha'))).filter(({ type }) => type === 'QuotaCharged');
      expect(charges).toHaveLength(2);
      await server.expectSound();
    });
  });

  describe('of a pool', () => {
    const pool = { name: 'small', capacityGiB: 10, thinProvisioning: false };
    const server = createLocalServer({ quota: UNLIMITED, storage: { backends: [{ name: 'file', pools: [pool] }] } });
    beforeAll(() => server.start());
    afterAll(() => server.dispose());

    it('one becomes available, the others end in error with the figures that refused them', async () => {
      await server.available({ size: 9 });
      const answers = await times(CLIENTS, (index) => server.create({ name: `client ${index}` }));
      expect(countOf(answers, 202)).toBe(CLIENTS);
      await server.rest();
      const volumes = answers.map(({ json }) => server.log.volumes.get(json.volume.id)?.volume);
      const ended = Map.groupBy(volumes, (volume) => volume?.status);
      expect([ended.get('available')?.length, ended.get('error')?.length]).toEqual([1, CLIENTS - 1]);
      expect(server.log.pools.get('scoria@file#small')).toMatchObject({ volumes: 2, volumesGiB: 10, snapshotsGiB: 0 });
      const failures = [...server.log.operations.values()].filter(({ phase }) => phase === 'failed');
      expect(failures).toHaveLength(CLIENTS - 1);
      for (const { reason } of failures) {
        expect(reason?.code).toBe('NoValidBackend');
        expect(reason?.message).toMatch(/scoria@file#small: 1 GiB requested, 0 GiB free of 10 GiB.*CapacityFilter/);
      }
      await server.expectSound();
    });
  });
});

describe('two requests for one volume at the same time have one outcome', () => {
  const server = createLocalServer();
  beforeAll(() => server.start());
  afterAll(async () => {
    await server.expectSound();
    await server.dispose();
  });

  const remove = (volumeId: string) => server.send('DELETE', `/volumes/${volumeId}`);
  const action = (volumeId: string, body: object) => server.send('POST', `/volumes/${volumeId}/action`, { body });

  it('delete against attach: one is accepted', async () => {
    const attach = { 'os-attach': { instance_uuid: crypto.randomUUID(), mountpoint: '/dev/vdb' } };
    await race(
      server,
      (id) => Promise.all([remove(id), action(id, attach)]),
      async (id, answers) => {
        expect(acceptedOf(answers)).toBe(1);
        expect(server.log.volumes.get(id)?.volume).toMatchObject(
          accepted(answers[0]) ? { deleted: true } : { deleted: false, status: 'in-use' },
        );
      },
    );
  });

  it('delete against snapshot: one is accepted', async () => {
    await race(
      server,
      (id) => {
        const body = { snapshot: { volume_id: id } };
        return Promise.all([remove(id), server.send('POST', '/snapshots', { body })]);
      },
      async (id, answers) => {
        expect(acceptedOf(answers)).toBe(1);
        const { volume } = server.log.volumes.get(id) ?? {};
        if (accepted(answers[0])) expect(volume?.deleted).toBe(true);
        else expect(Object.values(volume?.snapshots ?? {})).toMatchObject([{ status: 'available' }]);
      },
    );
  });

  it('delete against extend: one is accepted, or the volume had grown when it was deleted', async () => {
    await race(
      server,
      (id) => Promise.all([action(id, { 'os-extend': { new_size: 2 } }), remove(id)]),
      async (id, answers) => {
        const types = await typesOf(server, id);
        if (acceptedOf(answers) === 2)
          expect(types.indexOf('VolumeExtended')).toBeLessThan(types.indexOf('VolumeDeletionRequested'));
        else expect(acceptedOf(answers)).toBe(1);
        const done = [types.includes('VolumeExtended'), types.includes('VolumeDeleted')];
        expect(done).toEqual(answers.map(accepted));
      },
    );
  });

  it('two deletes: one is accepted', async () => {
    await race(
      server,
      (id) => Promise.all([remove(id), remove(id)]),
      async (id, answers) => {
        expect(acceptedOf(answers)).toBe(1);
        const deletions = (await typesOf(server, id)).filter((type) => type.startsWith('VolumeDelet'));
        expect(deletions).toEqual(['VolumeDeletionRequested', 'VolumeDeleted']);
      },
    );
  });

  it('two extends to the same size: one is accepted', async () => {
    await race(
      server,
      (id) => times(2, () => action(id, { 'os-extend': { new_size: 3 } })),
      async (id, answers) => {
        expect(acceptedOf(answers)).toBe(1);
        expect(server.log.volumes.get(id)?.volume).toMatchObject({ sizeGiB: 3, status: 'available' });
      },
    );
  });
});

describe('a force-delete takes over', () => {
  const server = createLocalServer();
  beforeAll(() => server.start());
  afterAll(() => server.dispose());

  const forceDelete = (path: string) => server.send('POST', `${path}/action`, { body: { 'os-force_delete': {} } });

  it('a creation under way: nothing is left of it', async () => {
    await times(ROUNDS, async () => {
      const { json } = await server.create({});
      expect((await forceDelete(`/volumes/${json.volume.id}`)).status).toBe(202);
    });
    await server.expectSound();
    expect([...server.log.live.values()]).toEqual([]);
  });

  it('a creation from a volume and from a snapshot: the source can be deleted afterwards', async () => {
    const source = await server.available({});
    const body = { snapshot: { volume_id: source } };
    const { json } = await server.send('POST', '/snapshots', { body });
    await server.rest();
    const from = [{ source_volid: source }, { snapshot_id: json.snapshot.id }];
    await times(ROUNDS, async (index) => {
      const created = await server.create({ ...from[index % 2] });
      expect(created.status).toBe(202);
      expect((await forceDelete(`/volumes/${created.json.volume.id}`)).status).toBe(202);
    });
    await server.expectSound();
    expect((await server.send('DELETE', `/volumes/${source}?cascade=true`)).status).toBe(202);
    await server.expectSound();
    expect([...server.log.live.values()]).toEqual([]);
  });

  it('a snapshot under way: nothing is left of it, and the volume is usable', async () => {
    const volumeId = await server.available({});
    await times(ROUNDS, async () => {
      const { json } = await server.send('POST', '/snapshots', { body: { snapshot: { volume_id: volumeId } } });
      expect((await forceDelete(`/snapshots/${json.snapshot.id}`)).status).toBe(202);
    });
    await server.expectSound();
    expect((await server.send('DELETE', `/volumes/${volumeId}`)).status).toBe(202);
    await server.expectSound();
    expect([...server.log.live.values()]).toEqual([]);
  });

  it('a volume with snapshots under way, with force and cascade: all of it is gone', async () => {
    await times(ROUNDS, async () => {
      const { json } = await server.create({});
      const path = `/volumes/${json.volume.id}`;
      await times(2, () => server.send('POST', '/snapshots', { body: { snapshot: { volume_id: json.volume.id } } }));
      await times(3, () => server.send('DELETE', `${path}?cascade=true&force=true`));
    });
    await server.expectSound();
    expect([...server.log.live.values()]).toEqual([]);
  });
});

describe('a reset of the status takes over', () => {
  const server = createLocalServer();
  beforeAll(() => server.start());
  afterAll(() => server.dispose());

  const action = (path: string, body: object) => server.send('POST', `${path}/action`, { body });
  const reset = (path: string, status: string) => action(path, { 'os-reset_status': { status } });

  it('a creation under way: the volume is an empty shell or whole, and can be deleted', async () => {
    const created = await times(ROUNDS, async () => {
      const { json } = await server.create({});
      expect((await reset(`/volumes/${json.volume.id}`, 'error')).status).toBe(202);
      return json.volume.id as string;
    });
    await server.expectSound();
    const deleted = await times(ROUNDS, (index) => server.send('DELETE', `/volumes/${created[index]}`));
    expect(countOf(deleted, 202)).toBe(ROUNDS);
    await server.expectSound();
    expect([...server.log.live.values()]).toEqual([]);
  });

  it('an extension under way: the volume has its old or its new size, and can grow again', async () => {
    const created = await times(ROUNDS, () => server.create({}));
    await server.rest();
    const paths = created.map(({ json }) => `/volumes/${json.volume.id}`);
    await Promise.all(
      paths.map(async (path) => {
        expect((await action(path, { 'os-extend': { new_size: 3 } })).status).toBe(202);
        expect((await reset(path, 'available')).status).toBe(202);
      }),
    );
    await server.expectSound();
    await Promise.all(
      created.map(async ({ json }, index) => {
        const now = server.log.volumes.get(json.volume.id)?.volume?.sizeGiB ?? 0;
        expect((await action(paths[index] ?? '', { 'os-extend': { new_size: now + 1 } })).status).toBe(202);
      }),
    );
    await server.expectSound();
    const statuses = created.map(({ json }) => server.log.volumes.get(json.volume.id)?.volume?.status);
    expect(new Set(statuses)).toEqual(new Set(['available']));
  });

  it('a snapshot under way: it is an empty shell or whole, and can be deleted', async () => {
    const { json } = await server.create({});
    await server.rest();
    const snapshots = await times(ROUNDS, async () => {
      const made = await server.send('POST', '/snapshots', { body: { snapshot: { volume_id: json.volume.id } } });
      expect((await reset(`/snapshots/${made.json.snapshot.id}`, 'error')).status).toBe(202);
      return made.json.snapshot.id as string;
    });
    await server.expectSound();
    const deleted = await times(ROUNDS, (index) => server.send('DELETE', `/snapshots/${snapshots[index]}`));
    expect(countOf(deleted, 202)).toBe(ROUNDS);
    await server.expectSound();
    expect((await server.send('DELETE', `/volumes/${json.volume.id}`)).status).toBe(202);
    await server.expectSound();
  });
});

describe('an Idempotency-Key', () => {
  const server = createLocalServer();
  beforeAll(() => server.start());
  afterAll(() => server.dispose());

  it('sent several times at once makes one volume, and every answer names it', async () => {
    await times(ROUNDS, async (index) => {
      const headers = { 'Idempotency-Key': `create ${index}` };
      const answers = await times(4, () => server.create({}, { headers }));
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
      expect(new Set(answers.map(({ json }) => json.volume.id)).size).toBe(1);
    });
    await server.expectSound();
    expect(server.log.quotas.get('alpha')?.charged).toMatchObject({ volumes: ROUNDS, gigabytes: ROUNDS });
  });

  it('with another body is a conflict; while the first is under way, it may also be told to come again', async () => {
    await times(ROUNDS, async (index) => {
      const headers = { 'Idempotency-Key': `other body ${index}` };
      const create = (size: number) => server.create({ size }, { headers });
      const answers = await times(4, (size) => create(size + 1));
      expect(countOf(answers, 202)).toBe(1);
      expect(countOf(answers, 409) + countOf(answers, 503)).toBe(3);
      const again = await times(4, (size) => create(size + 1));
      expect([countOf(again, 202), countOf(again, 409)]).toEqual([1, 3]);
    });
    await server.expectSound();
  });

  it('of an extension sent again grows the volume once', async () => {
    const volumeId = await server.available({});
    const headers = { 'Idempotency-Key': 'extend' };
    const extend = () =>
      server.send('POST', `/volumes/${volumeId}/action`, { body: { 'os-extend': { new_size: 5 } }, headers });
    expect((await extend()).status).toBe(202);
    expect((await extend()).status).toBe(202);
    await server.expectSound();
    expect(server.log.volumes.get(volumeId)?.volume?.sizeGiB).toBe(5);
    expect((await extend()).status).toBe(202);
  });
});
