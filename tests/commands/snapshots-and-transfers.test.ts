import { describe, expect, it } from 'vitest';
import { quotaStream, volumeStream } from '../../src/commands/streams.ts';
import { authKeyHashOf, createTransferCommands } from '../../src/commands/transfers.ts';
import { operationIdOf, resourceIdOf } from '../../src/domain/kernel/ids.ts';
import { reservedOf } from '../../src/domain/quota/index.ts';
import { createMemoryEventStore } from './memory-event-store.ts';
import { acceptedOf, asAdmin, asUser, snapshotOf, startedWorld, typesIn, type World, worldOn } from './world.ts';

describe('creating a snapshot', () => {
  it('charges the caller’s project, whoever owns the volume', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 3 });
    const result = acceptedOf(await world.snapshots.create(snapshotOf(volumeId), asAdmin('admin', 'c1')));
    expect(result).toMatchObject({ snapshotId: resourceIdOf('c1', 'snapshot'), operationId: operationIdOf('c1') });
    expect((await world.quotaOf('admin')).charged).toMatchObject({ snapshots: 1, gigabytes: 3 });
    expect((await world.quotaOf('p1')).charged).toMatchObject({ volumes: 1, gigabytes: 3 });
    expect(result.volume?.snapshots[result.snapshotId]).toMatchObject({
      projectId: 'admin',
      status: 'creating',
      sizeGiB: 3,
    });
  });

  it('over the quota is refused, and nothing is written', async () => {
    const world = await startedWorld(undefined, { limits: { snapshots: 0 } });
    const volumeId = await world.availableVolume('p1');
    const written = world.store.events.length;
    expect(await world.snapshots.create(snapshotOf(volumeId), asUser('p1', 'c1'))).toMatchObject({
      rejection: { code: 'SnapshotLimitExceeded' },
    });
    expect(world.store.events).toHaveLength(written);
  });

  it('that the volume refuses charges nothing', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    await world.volumes.resetStatus({ volumeId, status: 'error' }, asAdmin('p1', 'r'));
    expect(await world.snapshots.create(snapshotOf(volumeId), asUser('p1', 'c1'))).toMatchObject({
      rejection: { code: 'InvalidVolume' },
    });
    expect(await world.snapshots.create(snapshotOf('nowhere'), asUser('p1', 'c2'))).toMatchObject({
      rejection: { code: 'VolumeNotFound', details: { id: 'nowhere' } },
    });
    expect((await world.quotaOf('p1')).charged).not.toHaveProperty('snapshots');
    expect(world.refusals).toHaveLength(2);
  });

  it('that loses against a deletion gets its charge back at once', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const volumeId = await here.availableVolume('p1');
    store.beforeNextAppend(quotaStream('p1'), () =>
      there.volumes.delete({ volumeId, cascade: false, force: false }, asUser('p1', 'd')),
    );
    expect(await here.snapshots.create(snapshotOf(volumeId), asUser('p1', 'c1'))).toMatchObject({
      rejection: { code: 'InvalidVolume' },
    });
    expect((await here.quotaOf('p1')).charged).not.toHaveProperty('snapshots');
    expect(typesIn(store, quotaStream('p1')).slice(-2)).toEqual(['QuotaCharged', 'QuotaReturned']);
  });

  it('sent again is done once', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const first = await world.snapshots.create(snapshotOf(volumeId), asUser('p1', 'c1'));
    expect(await world.snapshots.create(snapshotOf(volumeId), asUser('p1', 'c1'))).toEqual(first);
    expect((await world.quotaOf('p1')).charged).toMatchObject({ snapshots: 1 });
  });
});

describe('other commands to a snapshot', () => {
  it('change what they say', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const snapshotId = await world.availableSnapshot('p1', volumeId);
    const of = { volumeId, snapshotId };
    const { snapshots } = world;
    const changes = [
      [snapshots.update({ ...of, name: 'n' }, asUser('p1', '1')), { name: 'n' }],
      [
        snapshots.setMetadata({ ...of, metadata: { a: '1' }, replace: true }, asUser('p1', '2')),
        { metadata: { a: '1' } },
      ],
      [snapshots.deleteMetadata({ ...of, key: 'a' }, asUser('p1', '3')), { metadata: {} }],
      [snapshots.resetStatus({ ...of, status: 'creating' }, asAdmin('p1', '4')), { status: 'creating' }],
      [
        snapshots.updateStatus({ ...of, status: 'error', progress: '9%' }, asUser('p1', '5')),
        { status: 'error', progress: '9%' },
      ],
      [snapshots.delete({ ...of, force: false }, asUser('p1', '6')), { status: 'deleting' }],
    ] as const;
    for (const [sent, snapshot] of changes) {
      expect(await sent).toMatchObject({ kind: 'accepted', volume: { snapshots: { [snapshotId]: snapshot } } });
    }
  });

  it('refuse deletion and creation while the backend is frozen', async () => {
    const world = await startedWorld();
    const service = { binary: 'cinder-volume', host: 'node@file' };
    await world.services.register({ ...service, availabilityZone: 'nova' }, asAdmin('admin', 'reg'));
    const volumeId = await world.availableVolume('p1');
    const snapshotId = await world.availableSnapshot('p1', volumeId);
    await world.services.freeze(service, asAdmin('admin', 'f'));
    const removed = await world.snapshots.delete({ volumeId, snapshotId, force: false }, asUser('p1', 'd'));
    const made = await world.snapshots.create(snapshotOf(volumeId), asUser('p1', 'c'));
    for (const result of [removed, made]) expect(result).toMatchObject({ rejection: { code: 'InvalidInput' } });
  });
});

const offered = async (world: World, volumeId: string, noSnapshots = false) =>
  acceptedOf(await world.transfers.create({ volumeId, name: 't', noSnapshots }, asUser('p1', 'offer')));

describe('offering a volume', () => {
  it('shows the key once, and keeps only its salted hash', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const { transferId, authKey, volume } = await offered(world, volumeId);
    expect(transferId).toBe(resourceIdOf('offer', 'transfer'));
    expect(authKey).toMatch(/^[0-9a-f]{16}$/);
    const { salt = '', authKeyHash } = volume?.transfer ?? {};
    expect(authKeyHash).toBe(authKeyHashOf(salt, authKey));
    const written = JSON.stringify(world.store.events, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(written).not.toContain(authKey);
  });

  it('sent again cannot show the key again', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    await offered(world, volumeId);
    const again = await world.transfers.create({ volumeId, name: 't', noSnapshots: false }, asUser('p1', 'offer'));
    expect(again).toMatchObject({ rejection: { code: 'Conflict', message: expect.stringContaining('only once') } });
  });

  it('sent twice at once shows one key, the one whose hash is kept', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const volumeId = await here.availableVolume('p1');
    const offer = (world: World, authKey: string) => {
      const deps = { ...world.deps, ids: { ...world.deps.ids, authKey: () => authKey } };
      const input = { volumeId, name: null, noSnapshots: false };
      return createTransferCommands(deps).create(input, asUser('p1', 'offer'));
    };
    const results = await Promise.all([offer(here, 'a'), offer(here, 'b'), offer(there, 'c'), offer(there, 'd')]);
    const [shown, ...more] = results.flatMap((result) => (result.kind === 'accepted' ? [result.authKey] : []));
    expect(more).toEqual([]);
    const { salt = '', authKeyHash } = (await here.volume(volumeId)).transfer ?? {};
    expect(authKeyHash).toBe(authKeyHashOf(salt, shown ?? ''));
  });

  it('of a volume that is not at rest is refused', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    await world.attachments.reserve({ volumeId }, asUser('p1', 'r'));
    const result = await world.transfers.create({ volumeId, name: null, noSnapshots: false }, asUser('p1', 'o'));
    expect(result).toMatchObject({ rejection: { code: 'InvalidVolume' } });
  });

  it('ends when it is withdrawn', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const { transferId } = await offered(world, volumeId);
    const result = await world.transfers.delete({ volumeId, transferId }, asUser('p1', 'd'));
    expect(result).toMatchObject({ kind: 'accepted', volume: { status: 'available', transfer: null } });
  });
});

describe('accepting a volume', () => {
  const accept = (
    world: World,
    volumeId: string,
    transferId: string,
    authKey: string,
    context = asUser('p2', 'accept'),
  ) => world.transfers.accept({ volumeId, transferId, authKey }, context);

  it('charges the acceptor for it and its snapshots before it moves; the donor stays charged until after', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 3 });
    await world.availableSnapshot('p1', volumeId);
    const { transferId, authKey } = await offered(world, volumeId);
    const result = acceptedOf(await accept(world, volumeId, transferId, authKey));
    expect(result).toMatchObject({
      operationId: operationIdOf('accept'),
      volume: { projectId: 'p2', userId: 'user-of-p2', status: 'available' },
    });
    const acceptor = await world.quotaOf('p2');
    expect(acceptor.charged).toMatchObject({ volumes: 1, gigabytes: 6, snapshots: 1 });
    expect(reservedOf(acceptor)).toEqual(acceptor.charged);
    expect((await world.quotaOf('p1')).charged).toMatchObject({ volumes: 1, gigabytes: 6, snapshots: 1 });
    expect(world.store.eventsOf(quotaStream('p2'))[0]).toMatchObject({ data: { landsIn: volumeStream(volumeId) } });
  });

  it('without its snapshots charges for the volume alone', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 3 });
    await world.availableSnapshot('p1', volumeId);
    const { transferId, authKey } = await offered(world, volumeId, true);
    acceptedOf(await accept(world, volumeId, transferId, authKey));
    expect((await world.quotaOf('p2')).charged).toMatchObject({ volumes: 1, gigabytes: 3 });
    expect((await world.quotaOf('p2')).charged).not.toHaveProperty('snapshots');
  });

  it('with a wrong key, over the quota or over the limit on one volume leaves everything as it was', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 3 });
    const { transferId, authKey } = await offered(world, volumeId);
    await world.quotas.setLimits({ projectId: 'small', limits: { gigabytes: 2 } }, asAdmin('admin', 'q1'));
    await world.quotas.setLimits({ projectId: 'narrow', limits: { per_volume_gigabytes: 2 } }, asAdmin('admin', 'q2'));
    const written = world.store.events.length;
    const attempts = [
      [accept(world, volumeId, transferId, 'wrong'), 'InvalidAuthKey'],
      [accept(world, volumeId, transferId, authKey, asUser('small', 'a1')), 'VolumeSizeExceedsAvailableQuota'],
      [accept(world, volumeId, transferId, authKey, asUser('narrow', 'a2')), 'VolumeSizeExceedsLimit'],
      [accept(world, volumeId, 'nowhere', authKey, asUser('p2', 'a3')), 'TransferNotFound'],
      [accept(world, 'nowhere', transferId, authKey, asUser('p2', 'a4')), 'TransferNotFound'],
    ] as const;
    for (const [sent, code] of attempts) expect(await sent).toMatchObject({ rejection: { code } });
    expect(world.store.events).toHaveLength(written);
    expect((await world.volume(volumeId)).projectId).toBe('p1');
  });

  it('by two at once gives it to one, and charges only that one', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const volumeId = await here.availableVolume('p1');
    const { transferId, authKey } = await offered(here, volumeId);
    const results = await Promise.all([
      accept(here, volumeId, transferId, authKey, asUser('p2', 'a2')),
      accept(there, volumeId, transferId, authKey, asUser('p3', 'a3')),
    ]);
    expect(results.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
    const { projectId } = await here.volume(volumeId);
    for (const project of ['p2', 'p3']) {
      expect((await here.quotaOf(project)).charged.volumes ?? 0).toBe(project === projectId ? 1 : 0);
    }
  });

  it('whose snapshots changed meanwhile is worked out and charged anew', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const volumeId = await here.availableVolume('p1');
    const snapshotId = await here.availableSnapshot('p1', volumeId);
    const { transferId, authKey } = await offered(here, volumeId);
    store.beforeNextAppend(quotaStream('p2'), async () => {
      const deletion = { volumeId, snapshotId, force: false };
      const { operationId } = acceptedOf(await there.snapshots.delete(deletion, asUser('p1', 'd')));
      await there.tell(volumeId, { type: 'CompleteSnapshotDeletion', snapshotId, operationId });
    });
    acceptedOf(await accept(here, volumeId, transferId, authKey));
    expect((await here.quotaOf('p2')).charged).toMatchObject({ volumes: 1, gigabytes: 1 });
    expect((await here.quotaOf('p2')).charged).not.toHaveProperty('snapshots');
  });

  it('sent again is done once', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const { transferId, authKey } = await offered(world, volumeId);
    const first = await accept(world, volumeId, transferId, authKey);
    expect(await accept(world, volumeId, transferId, authKey)).toEqual(first);
    expect((await world.quotaOf('p2')).charged).toMatchObject({ volumes: 1 });
  });
});
