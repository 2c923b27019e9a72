import { describe, expect, it } from 'vitest';
import { quotaStream, volumeStream } from '../../src/commands/streams.ts';
import { operationIdOf } from '../../src/domain/kernel/ids.ts';
import { createMemoryEventStore } from './memory-event-store.ts';
import { acceptedOf, asAdmin, asUser, startedWorld, typesIn, type World, worldOn } from './world.ts';

const extend = (world: World, volumeId: string, newSizeGiB: number, context = asUser('p1', 'extend')) =>
  world.volumes.extend({ volumeId, newSizeGiB, attachedAllowed: false }, context);

describe('extending a volume', () => {
  it('charges the growth as reserved, then requests it', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2 });
    const result = acceptedOf(await extend(world, volumeId, 5));
    expect(result).toMatchObject({ operationId: operationIdOf('extend'), volume: { status: 'extending' } });
    expect(world.store.eventsOf(quotaStream('p1')).at(-1)).toMatchObject({
      type: 'QuotaCharged',
      data: {
        operationId: result.operationId,
        reserved: true,
        landsIn: volumeStream(volumeId),
        amounts: { gigabytes: 3 },
      },
    });
  });

  it('that the volume would refuse charges nothing, even over the quota', async () => {
    const world = await startedWorld(undefined, { limits: { gigabytes: 5 } });
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2 });
    await world.attachments.reserve({ volumeId }, asUser('p1', 'r'));
    const written = world.store.events.length;
    expect(await extend(world, volumeId, 9)).toMatchObject({ rejection: { code: 'InvalidVolume' } });
    expect(await extend(world, volumeId, 1)).toMatchObject({ rejection: { code: 'InvalidInput' } });
    expect(world.store.events).toHaveLength(written);
    expect(world.refusals.map(({ command }) => command)).toEqual(['ExtendVolume', 'ExtendVolume']);
  });

  it('over the quota is refused with the plain figures', async () => {
    const world = await startedWorld(undefined, { limits: { gigabytes: 5 } });
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2 });
    expect(await extend(world, volumeId, 6)).toMatchObject({
      rejection: { code: 'VolumeSizeExceedsAvailableQuota', details: { requested: 4, limit: 5, consumed: 2 } },
    });
    expect((await world.volume(volumeId)).status).toBe('available');
  });

  it('is bounded by the type and by the limit on one volume', async () => {
    const world = await startedWorld(undefined, { limits: { per_volume_gigabytes: 8 } });
    const type = {
      name: 'sized',
      description: null,
      isPublic: true,
      extraSpecs: { 'provisioning:max_vol_size': '10' },
    };
    await world.types.create(type, asAdmin('admin', 't'));
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2, volumeType: 'sized' });
    expect(await extend(world, volumeId, 11)).toMatchObject({ rejection: { code: 'InvalidInput' } });
    expect(await extend(world, volumeId, 9)).toMatchObject({ rejection: { code: 'VolumeSizeExceedsLimit' } });
    expect(await extend(world, volumeId, 8)).toMatchObject({ kind: 'accepted' });
  });

  it('by an administrator charges the owner, but is held to the administrator’s own limit on one volume', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2 });
    const limits = { per_volume_gigabytes: 4 };
    await world.quotas.setLimits({ projectId: 'admin', limits }, asAdmin('admin', 'q'));
    expect(await extend(world, volumeId, 5, asAdmin('admin', 'e1'))).toMatchObject({
      rejection: { code: 'VolumeSizeExceedsLimit' },
    });
    await world.quotas.setLimits({ projectId: 'p1', limits: { per_volume_gigabytes: 1 } }, asAdmin('admin', 'q2'));
    expect(await extend(world, volumeId, 4, asAdmin('admin', 'e2'))).toMatchObject({ kind: 'accepted' });
    expect((await world.quotaOf('p1')).charged).toMatchObject({ gigabytes: 4 });
    expect((await world.quotaOf('admin')).charged).toEqual({});
  });

  it('sent again is done once, also when it has long ended', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2 });
    const first = await extend(world, volumeId, 5);
    expect(await extend(world, volumeId, 5)).toEqual(first);
    const operationId = operationIdOf('extend');
    await world.tell(volumeId, { type: 'CompleteVolumeExtension', operationId });
    await world.settle('p1', operationId);
    expect(await extend(worldOn(world.store), volumeId, 5)).toMatchObject({ kind: 'accepted', volume: { sizeGiB: 5 } });
    expect((await world.quotaOf('p1')).charged).toMatchObject({ gigabytes: 5 });
  });

  it('by two at once: one wins, and only that one is charged', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const volumeId = await here.availableVolume('p1', { sizeGiB: 2 });
    const results = await Promise.all([
      extend(here, volumeId, 5, asUser('p1', 'e1')),
      extend(here, volumeId, 6, asUser('p1', 'e2')),
      extend(there, volumeId, 7, asUser('p1', 'e3')),
    ]);
    expect(results.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
    const { extendingToGiB } = await here.volume(volumeId);
    expect((await here.quotaOf('p1')).charged).toMatchObject({ gigabytes: extendingToGiB });
  });

  it('of a volume that grew meanwhile is worked out and charged anew', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const volumeId = await here.availableVolume('p1', { sizeGiB: 2 });
    store.beforeNextAppend(quotaStream('p1'), async () => {
      const { operationId } = acceptedOf(await extend(there, volumeId, 4, asUser('p1', 'other')));
      await there.tell(volumeId, { type: 'CompleteVolumeExtension', operationId });
      await there.settle('p1', operationId);
    });
    // the store lets the other one in before the first append; its own appends to the ledger come by unharmed
    store.beforeNextAppend(quotaStream('p1'), async () => {});
    expect(await extend(here, volumeId, 5)).toMatchObject({ kind: 'accepted', volume: { extendingToGiB: 5 } });
    expect((await here.quotaOf('p1')).charged).toMatchObject({ gigabytes: 5 });
    expect(typesIn(store, quotaStream('p1')).filter((type) => type === 'QuotaReturned')).toHaveLength(1);
  });

  it('of a volume that never stops changing ends in a refusal that asks to try again', async () => {
    const store = createMemoryEventStore();
    const world = await startedWorld(store);
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2 });
    const there = worldOn(store);
    let size = 2;
    const grow = async () => {
      size += 1;
      const { operationId } = acceptedOf(await extend(there, volumeId, size, asUser('p1', `other-${size}`)));
      await there.tell(volumeId, { type: 'CompleteVolumeExtension', operationId });
    };
    const original = world.handler.handle;
    const overtaken: typeof original = async (aggregate, stream, command, context, options) => {
      if (command.type === 'ExtendVolume') await grow();
      return original(aggregate, stream, command, context, options);
    };
    Object.assign(world.handler, { handle: overtaken });
    expect(await extend(world, volumeId, 50)).toMatchObject({ kind: 'rejected', rejection: { code: 'TryAgain' } });
    expect(size).toBe(5);
    expect((await world.quotaOf('p1')).charged).toMatchObject({ gigabytes: 5 });
  });

  it('while another sending of it is under way is refused, until it is known what became of it', async () => {
    const store = createMemoryEventStore();
    const world = await startedWorld(store);
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2 });
    store.plantFaults(volumeStream(volumeId), 'down');
    await expect(extend(world, volumeId, 5)).rejects.toThrow('the store is down');
    expect(await extend(world, volumeId, 5)).toMatchObject({ kind: 'rejected', rejection: { code: 'TryAgain' } });
    const charge = { projectId: 'p1', operationId: operationIdOf('extend'), landsIn: volumeStream(volumeId) };
    await world.lapse(charge);
    expect(await extend(world, volumeId, 5)).toMatchObject({ kind: 'rejected', rejection: { code: 'RequestLapsed' } });
    expect((await world.quotaOf('p1')).charged).toMatchObject({ gigabytes: 2 });
    expect((await world.volume(volumeId)).status).toBe('available');
  });

  it('that landed is left alone by the look for orphans, before and after it has ended', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2 });
    const { operationId } = acceptedOf(await extend(world, volumeId, 5));
    const charge = { projectId: 'p1', operationId, landsIn: volumeStream(volumeId) };
    await world.lapse(charge);
    await world.tell(volumeId, { type: 'CompleteVolumeExtension', operationId });
    await world.lapse(charge);
    expect((await world.quotaOf('p1')).charged).toMatchObject({ gigabytes: 5 });
  });

  it('sent again when the volume has changed hands charges its new owner; the first charge is found as an orphan', async () => {
    const store = createMemoryEventStore();
    const world = await startedWorld(store);
    const volumeId = await world.availableVolume('p1', { sizeGiB: 2 });
    store.plantFaults(volumeStream(volumeId), 'down');
    await expect(extend(world, volumeId, 5)).rejects.toThrow('the store is down');
    const offer = acceptedOf(
      await world.transfers.create({ volumeId, name: null, noSnapshots: true }, asUser('p1', 'offer')),
    );
    const { transferId, authKey } = offer;
    acceptedOf(await world.transfers.accept({ volumeId, transferId, authKey }, asUser('p2', 'accept')));

    const { operationId } = acceptedOf(await extend(world, volumeId, 5));
    const landsIn = volumeStream(volumeId);
    await world.lapse({ projectId: 'p2', operationId, landsIn });
    expect((await world.quotaOf('p2')).charged).toMatchObject({ gigabytes: 5 });
    await world.lapse({ projectId: 'p1', operationId, landsIn });
    await world.lapse({ projectId: 'p1', operationId, landsIn });
    expect((await world.quotaOf('p1')).charged).toMatchObject({ gigabytes: 2 });
    expect((await world.volume(volumeId)).status).toBe('extending');
  });

  it('of a volume that is not there names it', async () => {
    const world = await startedWorld();
    expect(await extend(world, 'nowhere', 5)).toMatchObject({
      rejection: { code: 'VolumeNotFound', message: 'Volume nowhere could not be found.' },
    });
  });
});

describe('deleting a volume', () => {
  const remove = (world: World, volumeId: string, commandId = 'delete') =>
    world.volumes.delete({ volumeId, cascade: false, force: false }, asUser('p1', commandId));

  it('starts the operation', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    expect(await remove(world, volumeId)).toMatchObject({
      kind: 'accepted',
      operationId: operationIdOf('delete'),
      volume: { status: 'deleting' },
    });
  });

  it('is refused while the backend is frozen, except for what was never placed', async () => {
    const world = await startedWorld();
    const service = { binary: 'cinder-volume', host: 'node@file' };
    await world.services.register({ ...service, availabilityZone: 'nova' }, asAdmin('admin', 'reg'));
    const volumeId = await world.availableVolume('p1');
    const unplaced = acceptedOf(
      await world.volumes.create(
        {
          name: null,
          description: null,
          sizeGiB: 1,
          volumeType: null,
          source: { kind: 'empty' },
          availabilityZone: null,
          metadata: {},
          schedulerHints: {},
        },
        asUser('p1', 'c1'),
      ),
    );
    await world.tell(unplaced.volumeId, {
      type: 'FailVolumeCreation',
      operationId: unplaced.operationId,
      reason: { code: 'NoValidBackend', message: 'no' },
    });
    await world.services.freeze(service, asAdmin('admin', 'freeze'));
    expect(await remove(world, volumeId, 'd1')).toMatchObject({
      rejection: { code: 'InvalidInput', message: expect.stringContaining('frozen') },
    });
    expect(await remove(world, unplaced.volumeId, 'd2')).toMatchObject({ kind: 'accepted' });
    await world.services.thaw(service, asAdmin('admin', 'thaw'));
    expect(await remove(world, volumeId, 'd3')).toMatchObject({ kind: 'accepted' });
  });

  it('with its snapshots goes over another project’s only for an administrator', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    await world.availableSnapshot('admin', volumeId);
    const input = { volumeId, cascade: true, force: false };
    expect(await world.volumes.delete(input, asUser('p1', 'd1'))).toMatchObject({
      rejection: { code: 'InvalidVolume' },
    });
    expect(await world.volumes.delete(input, asAdmin('p1', 'd2'))).toMatchObject({ kind: 'accepted' });
  });

  it('names a volume that is not there, or no longer', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const { operationId } = acceptedOf(await remove(world, volumeId));
    await world.tell(volumeId, { type: 'CompleteVolumeDeletion', operationId });
    for (const id of [volumeId, 'nowhere']) {
      expect(await remove(world, id, `d-${id}`)).toMatchObject({
        rejection: { code: 'VolumeNotFound', details: { id } },
      });
    }
    const again = await remove(world, volumeId);
    expect(again).toMatchObject({ kind: 'accepted', volume: null });
  });

  it('against an extension has one outcome', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [await startedWorld(store), worldOn(store)];
    const volumeId = await here.availableVolume('p1', { sizeGiB: 2 });
    const [deleted, extended] = await Promise.all([remove(there, volumeId), extend(here, volumeId, 5)]);
    expect([deleted.kind, extended.kind].filter((kind) => kind === 'accepted')).toHaveLength(1);
    const charged = extended.kind === 'accepted' ? 5 : 2;
    expect((await here.quotaOf('p1')).charged).toMatchObject({ gigabytes: charged });
  });
});

describe('other commands to a volume', () => {
  it('change what they say and answer with the volume as it is then', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const { volumes } = world;
    const changes = [
      [volumes.update({ volumeId, name: 'n', description: 'd' }, asUser('p1', '1')), { name: 'n', description: 'd' }],
      [
        volumes.setMetadata({ volumeId, metadata: { a: '1' }, replace: false }, asUser('p1', '2')),
        { metadata: { a: '1' } },
      ],
      [volumes.deleteMetadata({ volumeId, key: 'a' }, asUser('p1', '3')), { metadata: {} }],
      [volumes.setImageMetadata({ volumeId, metadata: { b: '2' } }, asUser('p1', '4')), { imageMetadata: { b: '2' } }],
      [volumes.unsetImageMetadata({ volumeId, key: 'b' }, asUser('p1', '5')), { imageMetadata: {} }],
      [volumes.setBootable({ volumeId, bootable: true }, asUser('p1', '6')), { bootable: true }],
      [volumes.setReadonly({ volumeId, readonly: true }, asUser('p1', '7')), { readonly: true }],
      [volumes.resetStatus({ volumeId, status: 'error' }, asAdmin('p1', '8')), { status: 'error' }],
    ] as const;
    for (const [sent, volume] of changes) expect(await sent).toMatchObject({ kind: 'accepted', volumeId, volume });
  });

  it('revert to the newest snapshot', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const snapshotId = await world.availableSnapshot('p1', volumeId);
    expect(await world.volumes.revert({ volumeId, snapshotId }, asUser('p1', 'r'))).toMatchObject({
      kind: 'accepted',
      operationId: operationIdOf('r'),
      volume: { status: 'reverting' },
    });
  });

  it('attach and detach it', async () => {
    const world = await startedWorld();
    const volumeId = await world.availableVolume('p1');
    const { attachments } = world;
    const attach = { volumeId, instanceId: 'i', hostName: null, mountpoint: '/dev/vdb', mode: 'rw' } as const;
    const steps = [
      () => attachments.reserve({ volumeId }, asUser('p1', '1')),
      () => attachments.unreserve({ volumeId }, asUser('p1', '2')),
      () => attachments.reserve({ volumeId }, asUser('p1', '3')),
      () => attachments.attach(attach, asUser('p1', '4')),
      () => attachments.beginDetaching({ volumeId }, asUser('p1', '5')),
      () => attachments.rollDetaching({ volumeId }, asUser('p1', '6')),
      () => attachments.detach({ volumeId, attachmentId: null }, asUser('p1', '7')),
    ];
    const statuses: (string | undefined)[] = [];
    for (const step of steps) statuses.push(acceptedOf(await step()).volume?.status);
    expect(statuses).toEqual(['attaching', 'available', 'attaching', 'in-use', 'detaching', 'in-use', 'available']);
  });
});
