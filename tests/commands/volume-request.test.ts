import { describe, expect, it } from 'vitest';
import { DEFAULT_TYPE_ID } from '../../src/domain/volume-types/index.ts';
import { createMemoryEventStore } from './memory-event-store.ts';
import { acceptedOf, asAdmin, asUser, emptyVolume, POOL, startedWorld, type World, worldOn } from './world.ts';

const typeNamed = async (
  world: World,
  name: string,
  extraSpecs: Record<string, string> = {},
  isPublic = true,
): Promise<string> => {
  const type = { name, description: null, isPublic, extraSpecs };
  return acceptedOf(await world.types.create(type, asAdmin('admin', `type-${name}`))).typeId;
};

describe('the type of a new volume', () => {
  it('is the one named, by name or by id', async () => {
    const world = await startedWorld();
    const typeId = await typeNamed(world, 'fast', { multiattach: '<is> True' });
    for (const volumeType of ['fast', typeId]) {
      const result = acceptedOf(await world.volumes.create(emptyVolume({ volumeType }), asUser('p1', volumeType)));
      expect(result.volume).toMatchObject({ volumeTypeId: typeId, multiattach: true });
    }
  });

  it('is the project’s default where none is named', async () => {
    const world = await startedWorld();
    const typeId = await typeNamed(world, 'fast');
    await world.types.setDefault({ projectId: 'p1', typeId }, asAdmin('admin', 'd'));
    const own = acceptedOf(await world.volumes.create(emptyVolume(), asUser('p1', 'c1')));
    const others = acceptedOf(await world.volumes.create(emptyVolume(), asUser('p2', 'c2')));
    expect(own.volume?.volumeTypeId).toBe(typeId);
    expect(others.volume?.volumeTypeId).toBe(DEFAULT_TYPE_ID);
  });

  it('must exist, and a private one is there for administrators only', async () => {
    const world = await startedWorld();
    await typeNamed(world, 'hidden', {}, false);
    const input = emptyVolume({ volumeType: 'hidden' });
    expect(await world.volumes.create(input, asUser('p1', 'c1'))).toMatchObject({
      rejection: { code: 'VolumeTypeNotFound', details: { id: 'hidden' } },
    });
    expect(await world.volumes.create(input, asAdmin('p1', 'c2'))).toMatchObject({ kind: 'accepted' });
    expect(world.refusals).toMatchObject([{ command: 'CreateVolume', rejection: { code: 'VolumeTypeNotFound' } }]);
  });

  it('must exist even when it is the default', async () => {
    const world = worldOn();
    expect(await world.volumes.create(emptyVolume(), asUser('p1', 'c1'))).toMatchObject({
      rejection: { code: 'InvalidVolumeType' },
    });
  });

  it('bounds the size', async () => {
    const world = await startedWorld();
    await typeNamed(world, 'sized', { 'provisioning:min_vol_size': '2', 'provisioning:max_vol_size': '4' });
    const create = (sizeGiB: number) =>
      world.volumes.create(emptyVolume({ volumeType: 'sized', sizeGiB }), asUser('p1', `c${sizeGiB}`));
    expect(await create(1)).toMatchObject({ rejection: { message: expect.stringContaining('less than the minimum') } });
    expect(await create(2)).toMatchObject({ kind: 'accepted' });
    expect(await create(4)).toMatchObject({ kind: 'accepted' });
    expect(await create(5)).toMatchObject({ rejection: { message: expect.stringContaining('greater than the max') } });
  });

  it('whose limit ran out is named to people by its name', async () => {
    const world = await startedWorld();
    const typeId = await typeNamed(world, 'fast');
    await world.quotas.setLimits({ projectId: 'p1', limits: { [`volumes:${typeId}`]: 0 } }, asAdmin('admin', 'q'));
    const result = await world.volumes.create(emptyVolume({ volumeType: 'fast' }), asUser('p1', 'c1'));
    expect(result).toMatchObject({ rejection: { message: expect.stringContaining("quota 'volumes_fast'") } });
  });
});

describe('limits', () => {
  it('of the class named default stand in for the configured ones', async () => {
    const world = await startedWorld();
    await world.quotas.setClassLimits({ className: 'default', limits: { volumes: 0 } }, asAdmin('admin', 'q'));
    await world.quotas.setClassLimits({ className: 'other', limits: { gigabytes: 0 } }, asAdmin('admin', 'q2'));
    const result = await world.volumes.create(emptyVolume(), asUser('p1', 'c1'));
    expect(result).toMatchObject({ rejection: { code: 'VolumeLimitExceeded', details: { limit: 0 } } });
  });
});

describe('a volume from another', () => {
  const fromVolume = (volumeId: string, more = {}) => emptyVolume({ source: { kind: 'volume', volumeId }, ...more });

  it('takes over size, type, boot flag and image metadata', async () => {
    const world = await startedWorld();
    const typeId = await typeNamed(world, 'fast');
    const volumeId = await world.availableVolume('p1', { sizeGiB: 4, volumeType: 'fast' });
    await world.volumes.setBootable({ volumeId, bootable: true }, asUser('p1', 'b'));
    await world.volumes.setImageMetadata({ volumeId, metadata: { os: 'linux' } }, asUser('p1', 'i'));
    const { volume } = acceptedOf(await world.volumes.create(fromVolume(volumeId), asUser('p1', 'c1')));
    expect(volume).toMatchObject({
      sizeGiB: 4,
      volumeTypeId: typeId,
      bootable: true,
      imageMetadata: { os: 'linux' },
      source: { kind: 'volume', volumeId, sizeGiB: 4, pool: POOL, backendName: `volume-${volumeId}` },
    });
  });

  it('may be larger, not smaller', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 4 });
    const larger = await world.volumes.create(fromVolume(volumeId, { sizeGiB: 5 }), asUser('p1', 'c1'));
    expect(larger).toMatchObject({ kind: 'accepted', volume: { sizeGiB: 5 } });
    const smaller = await world.volumes.create(fromVolume(volumeId, { sizeGiB: 3 }), asUser('p1', 'c2'));
    expect(smaller).toMatchObject({ rejection: { message: expect.stringContaining('>= original volume size') } });
  });

  it('needs it to be there, built and at rest', async () => {
    const world = await startedWorld();
    const create = async (volumeId: string, commandId: string) =>
      world.volumes.create(fromVolume(volumeId), asUser('p1', commandId));
    expect(await create('nowhere', 'c1')).toMatchObject({
      rejection: { code: 'VolumeNotFound', details: { id: 'nowhere' } },
    });
    const creating = acceptedOf(await world.volumes.create(emptyVolume(), asUser('p1', 'c2')));
    expect(await create(creating.volumeId, 'c3')).toMatchObject({ rejection: { code: 'InvalidVolume' } });
    await world.volumes.resetStatus({ volumeId: creating.volumeId, status: 'available' }, asAdmin('p1', 'r'));
    expect(await create(creating.volumeId, 'c4')).toMatchObject({ rejection: { code: 'InvalidVolume' } });
  });

  it('may have another type only where that leads to the same backend', async () => {
    const services = [
      { host: 'node@file', availabilityZone: 'nova' },
      { host: 'node@other', availabilityZone: 'nova' },
    ];
    const world = await startedWorld(createMemoryEventStore(), { services });
    await typeNamed(world, 'one', { volume_backend_name: 'file' });
    await typeNamed(world, 'same', { volume_backend_name: 'file' });
    await typeNamed(world, 'other', { volume_backend_name: 'other' });
    const volumeId = await world.availableVolume('p1', { volumeType: 'one' });
    const create = (volumeType: string) =>
      world.volumes.create(fromVolume(volumeId, { volumeType }), asUser('p1', `c-${volumeType}`));
    expect(await create('one')).toMatchObject({ kind: 'accepted' });
    expect(await create('same')).toMatchObject({ kind: 'accepted' });
    expect(await create('other')).toMatchObject({ rejection: { code: 'InvalidInput' } });
    expect(await create('__DEFAULT__')).toMatchObject({ rejection: { code: 'InvalidInput' } });
    const alone = worldOn(world.store);
    const replaced = fromVolume(volumeId, { volumeType: 'other' });
    expect(await alone.volumes.create(replaced, asUser('p1', 'c9'))).toMatchObject({ kind: 'accepted' });
  });

  it('stays in its zone', async () => {
    const services = [
      { host: 'node@file', availabilityZone: 'nova' },
      { host: 'node@east', availabilityZone: 'east' },
    ];
    const world = await startedWorld(createMemoryEventStore(), { services });
    const volumeId = await world.availableVolume('p1');
    const create = (availabilityZone: string) =>
      world.volumes.create(fromVolume(volumeId, { availabilityZone }), asUser('p1', `c-${availabilityZone}`));
    expect(await create('nova')).toMatchObject({ kind: 'accepted' });
    expect(await create('east')).toMatchObject({ rejection: { code: 'InvalidInput' } });
    expect(await create('west')).toMatchObject({ rejection: { code: 'InvalidAvailabilityZone' } });
  });
});

describe('a volume from a snapshot', () => {
  const fromSnapshot = (volumeId: string, snapshotId: string, more = {}) =>
    emptyVolume({ source: { kind: 'snapshot', snapshotId, volumeId }, ...more });

  it('takes over what its volume is', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 4 });
    await world.volumes.setBootable({ volumeId, bootable: true }, asUser('p1', 'b'));
    const snapshotId = await world.availableSnapshot('p1', volumeId);
    const result = await world.volumes.create(fromSnapshot(volumeId, snapshotId), asUser('p1', 'c1'));
    expect(acceptedOf(result).volume).toMatchObject({
      sizeGiB: 4,
      bootable: true,
      source: { kind: 'snapshot', snapshotId, volumeId, sizeGiB: 4, pool: POOL, backendName: `snapshot-${snapshotId}` },
    });
  });

  it('needs the snapshot to be there and available, and is no smaller', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 4 });
    const create = (snapshotId: string, commandId: string, more = {}, of = volumeId) =>
      world.volumes.create(fromSnapshot(of, snapshotId, more), asUser('p1', commandId));
    expect(await create('nowhere', 'c1')).toMatchObject({ rejection: { code: 'SnapshotNotFound' } });
    expect(await create('nowhere', 'c2', {}, 'nowhere')).toMatchObject({ rejection: { code: 'SnapshotNotFound' } });
    const requested = await world.snapshots.create(
      { volumeId, name: null, description: null, metadata: {}, inUseAllowed: false },
      asUser('p1', 's1'),
    );
    const { snapshotId } = acceptedOf(requested);
    expect(await create(snapshotId, 'c3')).toMatchObject({ rejection: { code: 'InvalidSnapshot' } });
    await world.snapshots.resetStatus({ volumeId, snapshotId, status: 'available' }, asAdmin('p1', 'r'));
    expect(await create(snapshotId, 'c4')).toMatchObject({ rejection: { code: 'InvalidSnapshot' } });
    const built = await world.availableSnapshot('p1', volumeId);
    expect(await create(built, 'c5', { sizeGiB: 3 })).toMatchObject({
      rejection: { message: expect.stringContaining('original snapshot size') },
    });
  });

  it('without a size and a source there is nothing to make', async () => {
    const world = await startedWorld();
    const result = await world.volumes.create(emptyVolume({ sizeGiB: null }), asUser('p1', 'c1'));
    expect(result).toMatchObject({ rejection: { code: 'InvalidInput' } });
  });
});
