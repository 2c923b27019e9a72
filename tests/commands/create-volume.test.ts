import { describe, expect, it } from 'vitest';
import { quotaStream, VOLUME_TYPES_STREAM, volumeStream } from '../../src/commands/streams.ts';
import { valuesOf } from '../../src/domain/kernel/id-map.ts';
import { operationIdOf, resourceIdOf } from '../../src/domain/kernel/ids.ts';
import { endingOf } from '../../src/domain/quota/index.ts';
import { DEFAULT_TYPE_ID } from '../../src/domain/volume-types/index.ts';
import { createMemoryEventStore } from './memory-event-store.ts';
import { acceptedOf, asAdmin, asUser, emptyVolume, startedWorld, typesIn, type World, worldOn } from './world.ts';

describe('creating a volume', () => {
  it('charges the project, then requests the volume in its own stream', async () => {
    const world = await startedWorld();
    const input = emptyVolume({ sizeGiB: 3, metadata: { a: 'b' }, schedulerHints: { same_host: 'x' } });
    const result = acceptedOf(await world.volumes.create(input, asUser('p1', 'c1')));
    const volumeId = resourceIdOf('c1', 'volume');
    const operationId = operationIdOf('c1');
    expect(result).toMatchObject({ volumeId, operationId, volume: { status: 'creating', sizeGiB: 3 } });
    expect(world.store.eventsOf(quotaStream('p1'))).toMatchObject([
      {
        type: 'QuotaCharged',
        data: {
          operationId,
          landsIn: volumeStream(volumeId),
          reserved: false,
          amounts: { volumes: 1, gigabytes: 3, [`volumes:${DEFAULT_TYPE_ID}`]: 1, [`gigabytes:${DEFAULT_TYPE_ID}`]: 3 },
        },
        metadata: { causationId: 'c1', correlationId: 'req-c1' },
      },
    ]);
    expect(world.store.eventsOf(volumeStream(volumeId))).toMatchObject([
      {
        type: 'VolumeCreationRequested',
        data: {
          volumeId,
          operationId,
          projectId: 'p1',
          userId: 'user-of-p1',
          name: 'data',
          volumeTypeId: DEFAULT_TYPE_ID,
          volumeType: { name: '__DEFAULT__' },
          source: { kind: 'empty' },
          availabilityZones: ['nova'],
          availabilityZone: 'nova',
          metadata: { a: 'b' },
          schedulerHints: { same_host: 'x' },
          multiattach: false,
          bootable: false,
        },
        metadata: { commandId: 'c1' },
      },
    ]);
    expect(result.position).toBe(world.store.eventsOf(volumeStream(volumeId))[0]?.position);
  });

  it('over the quota: refused, and nothing is written', async () => {
    const world = await startedWorld(undefined, { limits: { volumes: 1 } });
    await world.volumes.create(emptyVolume(), asUser('p1', 'c1'));
    const written = world.store.events.length;
    const result = await world.volumes.create(emptyVolume(), asUser('p1', 'c2'));
    expect(result).toMatchObject({ kind: 'rejected', rejection: { code: 'VolumeLimitExceeded' } });
    expect(world.store.events).toHaveLength(written);
    expect(world.refusals).toHaveLength(1);
  });

  it('sent again is done once: the same volume, charged once', async () => {
    const world = await startedWorld();
    const first = await world.volumes.create(emptyVolume(), asUser('p1', 'c1'));
    await world.volumes.create(emptyVolume(), asUser('p1', 'c2'));
    const again = await world.volumes.create(emptyVolume(), asUser('p1', 'c1'));
    const reloaded = await worldOn(world.store).volumes.create(emptyVolume(), asUser('p1', 'c1'));
    expect(again).toEqual(first);
    expect(reloaded).toEqual(first);
    expect((await world.quotaOf('p1')).charged).toMatchObject({ volumes: 2 });
  });

  it('sent again long after it has ended is still done once', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const { commandId } = world.store.eventsOf(volumeStream(volumeId))[0]?.metadata ?? { commandId: '' };
    const again = await worldOn(world.store).volumes.create(emptyVolume(), asUser('p1', commandId));
    expect(again).toMatchObject({ kind: 'accepted', volumeId, volume: { status: 'available' } });
    expect((await world.quotaOf('p1')).charged).toMatchObject({ volumes: 1 });
  });

  it('sent again when handler and ledger have both forgotten it is still done once', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const { commandId } = world.store.eventsOf(volumeStream(volumeId))[0]?.metadata ?? { commandId: '' };
    const times = Array.from({ length: 1_100 }, (_, n) => n);
    const forgetting = times.flatMap((n) => [
      world.volumes.update({ volumeId, name: `n${n}` }, asUser('p1', `u${n}`)),
      world.quotas.setLimits({ projectId: 'p1', limits: { volumes: 10 + n } }, asAdmin('admin', `q${n}`)),
    ]);
    await Promise.all(forgetting);
    expect(endingOf(await world.quotaOf('p1'), operationIdOf(commandId))).toBeUndefined();
    const again = await world.volumes.create(emptyVolume(), asUser('p1', commandId));
    expect(again).toMatchObject({ kind: 'accepted', volumeId });
    expect((await world.quotaOf('p1')).charged).toMatchObject({ volumes: 1 });
  });

  it('sent again with another body is refused', async () => {
    const world = await startedWorld();
    await world.volumes.create(emptyVolume(), asUser('p1', 'c1', { requestHash: 'h1' }));
    const again = await world.volumes.create(emptyVolume({ sizeGiB: 5 }), asUser('p1', 'c1', { requestHash: 'h2' }));
    expect(again).toMatchObject({ kind: 'rejected', rejection: { code: 'IdempotencyKeyReused' } });
    expect((await world.quotaOf('p1')).charged).toMatchObject({ gigabytes: 1 });
  });

  it('sent twice at once is done once, in one process and in two', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const results = await Promise.all(
      [here, here, there, there].map((world) => world.volumes.create(emptyVolume(), asUser('p1', 'c1'))),
    );
    expect(new Set(results.map((result) => acceptedOf(result).volumeId)).size).toBe(1);
    expect(typesIn(store, quotaStream('p1'))).toEqual(['QuotaCharged']);
    expect(typesIn(store, volumeStream(resourceIdOf('c1', 'volume')))).toEqual(['VolumeCreationRequested']);
  });

  it('sent twice at once with two bodies charges what was landed', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const results = await Promise.all([
      here.volumes.create(emptyVolume({ sizeGiB: 2 }), asUser('p1', 'c1', { requestHash: 'h1' })),
      there.volumes.create(emptyVolume({ sizeGiB: 3 }), asUser('p1', 'c1', { requestHash: 'h2' })),
    ]);
    expect(results.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
    const { sizeGiB } = await here.volume(resourceIdOf('c1', 'volume'));
    expect((await here.quotaOf('p1')).charged).toMatchObject({ volumes: 1, gigabytes: sizeGiB });
  });

  it('overtaken by another sending with another body leaves that one its charge', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const send = (world: World, name: string) =>
      world.volumes.create(emptyVolume({ name }), asUser('p1', 'c1', { requestHash: name }));
    store.beforeNextAppend(volumeStream(resourceIdOf('c1', 'volume')), () => send(there, 'other'));
    expect(await send(here, 'first')).toMatchObject({ rejection: { code: 'IdempotencyKeyReused' } });
    expect((await here.volume(resourceIdOf('c1', 'volume'))).name).toBe('other');
    expect((await here.quotaOf('p1')).charged).toMatchObject({ volumes: 1, gigabytes: 1 });
  });

  it('refused while another sending of it lands answers what that one did', async () => {
    const store = createMemoryEventStore();
    const there = await startedWorld(store);
    let landing: Promise<unknown> | null = null;
    const readStream: typeof store.readStream = async function* (stream, options) {
      // what decides on the type is read between the look for an earlier sending and the refusal
      if (stream === VOLUME_TYPES_STREAM) {
        landing ??= there.volumes.create(emptyVolume(), asUser('p1', 'c1'));
        await landing;
      }
      yield* store.readStream(stream, options);
    };
    const here = worldOn({ ...store, readStream });
    const answer = await here.volumes.create(emptyVolume({ volumeType: 'gone' }), asUser('p1', 'c1'));
    expect(landing).not.toBeNull();
    expect(answer).toMatchObject({ kind: 'accepted', volumeId: resourceIdOf('c1', 'volume') });
  });

  it('64 for the last GiB: exactly one wins', async () => {
    const store = createMemoryEventStore();
    const limits = { gigabytes: 10, volumes: -1 };
    const processes = [await startedWorld(store, { limits }), worldOn(store, { limits })];
    await processes[0]?.volumes.create(emptyVolume({ sizeGiB: 9 }), asUser('p1', 'first'));
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, n) => processes[n % 2]?.volumes.create(emptyVolume(), asUser('p1', `c${n}`))),
    );
    expect(results.filter((result) => result?.kind === 'accepted')).toHaveLength(1);
    expect((await worldOn(store).quotaOf('p1')).charged).toMatchObject({ gigabytes: 10 });
  });
});

describe('the process dies between the charge and the request', () => {
  const died = async () => {
    const store = createMemoryEventStore();
    const world = await startedWorld(store);
    const volumeId = resourceIdOf('c1', 'volume');
    store.plantFaults(volumeStream(volumeId), 'down');
    await expect(world.volumes.create(emptyVolume(), asUser('p1', 'c1'))).rejects.toThrow('the store is down');
    const ledger = await world.quotaOf('p1');
    const [charge] = valuesOf(ledger.open);
    if (charge === undefined) throw new Error('nothing is charged');
    return { store, world, volumeId, charge: { ...charge, projectId: 'p1' } };
  };

  it('and the charge is lapsed and returned; a late request of that id is refused', async () => {
    const { store, world, volumeId, charge } = await died();
    await worldOn(store).lapse(charge);
    expect((await world.quotaOf('p1')).charged).toEqual({});
    expect(typesIn(store, volumeStream(volumeId))).toEqual(['RequestLapsed']);
    const late = await world.volumes.create(emptyVolume(), asUser('p1', 'c1'));
    expect(late).toMatchObject({ kind: 'rejected', rejection: { code: 'RequestLapsed' } });
    expect((await world.quotaOf('p1')).charged).toEqual({});
    expect(valuesOf((await world.quotaOf('p1')).open)).toEqual([]);
  });

  it('and the client that sends it again before that gets its volume, for one charge', async () => {
    const { store, world, charge } = await died();
    expect(await worldOn(store).volumes.create(emptyVolume(), asUser('p1', 'c1'))).toMatchObject({ kind: 'accepted' });
    await world.lapse(charge);
    expect((await world.quotaOf('p1')).charged).toMatchObject({ volumes: 1, gigabytes: 1 });
    expect(valuesOf((await world.quotaOf('p1')).open)).toHaveLength(1);
  });

  it('and the client that sends it again and would be refused by now is told so once nothing can land any more', async () => {
    const { store, world, charge } = await died();
    const again = () => worldOn(store).volumes.create(emptyVolume({ volumeType: 'gone' }), asUser('p1', 'c1'));
    expect(await again()).toMatchObject({ kind: 'rejected', rejection: { code: 'TryAgain' } });
    await world.lapse(charge);
    expect(await again()).toMatchObject({ kind: 'rejected', rejection: { code: 'VolumeTypeNotFound' } });
  });

  it('and the charge is returned once, however often it is looked at', async () => {
    const { store, world, charge } = await died();
    await world.volumes.create(emptyVolume(), asUser('p1', 'other'));
    await Promise.all([world.lapse(charge), worldOn(store).lapse(charge), world.lapse(charge)]);
    expect((await world.quotaOf('p1')).charged).toMatchObject({ volumes: 1, gigabytes: 1 });
  });

  it('and a charge that names no volume’s stream is not touched', async () => {
    const { world, charge } = await died();
    await expect(world.lapse({ ...charge, landsIn: 'backup-1' })).rejects.toThrow('backup-1');
  });

  it('while it gives back the charge of a refused request, and that is found as an orphan', async () => {
    const { store, world, charge } = await died();
    await world.lapse(charge);
    // the charge of the late request goes well, giving it back does not
    store.plantFaults(quotaStream('p1'), null, 'down');
    const late = await world.volumes.create(emptyVolume(), asUser('p1', 'c1'));
    expect(late).toMatchObject({ kind: 'rejected', rejection: { code: 'RequestLapsed' } });
    expect((await world.quotaOf('p1')).charged).toMatchObject({ volumes: 1 });
    await world.lapse(charge);
    expect((await world.quotaOf('p1')).charged).toEqual({});
  });
});
