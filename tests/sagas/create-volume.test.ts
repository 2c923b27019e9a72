import { describe, expect, it } from 'vitest';
import { operationStream } from '../../src/commands/operations.ts';
import { poolStream, quotaStream, volumeStream } from '../../src/commands/streams.ts';
import { asUser } from '../commands/world.ts';
import { POOL_A, POOL_B, startWorld, takenOf, usedBy } from './world.ts';

const TWO_POOLS = { pools: { [POOL_A]: 100, [POOL_B]: 50 } };
const NOTHING_TAKEN = { volumesGiB: 0, snapshotsGiB: 0 };

describe('creating a volume', () => {
  it('places it, claims its room, builds it and makes it available', async () => {
    const world = await startWorld();
    const { volumeId, operationId } = await world.create();
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual([
      'started',
      'done place',
      'done claim',
      'begun provision',
      'done provision',
      'done publish',
      'succeeded',
    ]);
    expect(world.typesIn(volumeStream(volumeId))).toEqual(['VolumeCreationRequested', 'VolumeCreated']);
    expect(world.typesIn(quotaStream('p1'))).toEqual(['QuotaCharged', 'QuotaSettled']);
    expect(world.typesIn(poolStream(POOL_A))).toEqual(['PoolCapacityClaimed', 'PoolClaimSettled']);
    expect(world.volume(volumeId)).toMatchObject({
      status: 'available',
      pool: POOL_A,
      backendName: `volume-${volumeId}`,
      availabilityZone: 'nova',
      owner: null,
    });
    expect([...world.driver.objects]).toEqual([[`volume-${volumeId}`, 2]]);
  });

  it('records what it is about to do before it touches the backend', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'held');
    const { volumeId, operationId } = await world.create();
    await world.called('createVolume');
    expect(world.timeline(operationId).at(-1)).toBe('begun provision');
    expect(world.store.eventsOf(operationStream(operationId)).at(-1)?.data).toMatchObject({
      input: { pool: POOL_A, volume: { name: `volume-${volumeId}`, sizeGiB: 2, pool: 'one' } },
    });
    world.driver.release();
    await world.ended(operationId);
  });

  it('from another volume pins it meanwhile, and stays on its pool', async () => {
    const world = await startWorld({ pools: { [POOL_A]: 10, [POOL_B]: 100 } });
    const sourceId = await world.available({ sizeGiB: 3 });
    const { volumeId, operationId } = await world.create({ source: { kind: 'volume', volumeId: sourceId } });
    await world.ended(operationId);
    expect(world.typesIn(volumeStream(sourceId)).slice(2)).toEqual(['VolumePinned', 'VolumeUnpinned']);
    expect(world.volume(volumeId)).toMatchObject({ status: 'available', pool: POOL_B, sizeGiB: 3 });
    expect(world.driver.calls.at(-1)).toBe(`createClonedVolume volume-${volumeId} from volume-${sourceId}`);
  });

  it('from a snapshot pins its volume meanwhile; neither can be deleted', async () => {
    const world = await startWorld();
    const sourceId = await world.available();
    const snapshotId = await world.availableSnapshot(sourceId);
    world.driver.script('createVolumeFromSnapshot', 'held');
    const { operationId } = await world.create({ source: { kind: 'snapshot', volumeId: sourceId, snapshotId } });
    await world.called('createVolumeFromSnapshot');
    const removal = { volumeId: sourceId, snapshotId, force: true };
    expect(await world.clients.snapshots.delete(removal, asUser('p1', 'd1'))).toMatchObject({ kind: 'rejected' });
    const cascade = { volumeId: sourceId, cascade: true, force: true };
    expect(await world.clients.volumes.delete(cascade, asUser('p1', 'd2'))).toMatchObject({ kind: 'rejected' });
    world.driver.release();
    await world.ended(operationId);
    expect(world.volume(sourceId).pins).toEqual({});
    await world.ended((await world.remove(sourceId, { cascade: true })).operationId);
  });
});

describe('a creation that a backend fails', () => {
  it('goes to another pool, and gives back what it took of the first', async () => {
    const world = await startWorld(TWO_POOLS);
    world.driver.script('createVolume', 'retryable');
    const { volumeId, operationId } = await world.create();
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual([
      'started',
      'done place',
      'done claim',
      'begun provision',
      'failed provision (BackendFailed), reschedule',
      'undoing provision',
      'undone provision',
      'undone claim',
      'rescheduled',
      'done place',
      'done claim',
      'begun provision',
      'done provision',
      'done publish',
      'succeeded',
    ]);
    expect(world.volume(volumeId)).toMatchObject({ status: 'available', pool: POOL_B });
    expect(takenOf(world.pool(POOL_A))).toEqual(NOTHING_TAKEN);
    expect(takenOf(world.pool(POOL_B))).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
  });

  it('deletes what may have been built where it timed out', async () => {
    const world = await startWorld(TWO_POOLS);
    world.driver.script('createVolume', 'doneButTimedOut');
    const { volumeId, operationId } = await world.create();
    await world.ended(operationId);
    const name = `volume-${volumeId}`;
    expect(world.driver.calls).toEqual([
      `createVolume ${name} 2 GiB`,
      `deleteVolume ${name}`,
      `createVolume ${name} 2 GiB`,
    ]);
    expect(world.volume(volumeId).status).toBe('available');
  });

  it('tries a pool again only where no other is left', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'retryable', 'terminal');
    const { volumeId, operationId } = await world.create();
    await world.ended(operationId);
    expect(world.volume(volumeId)).toMatchObject({ status: 'available', pool: POOL_A });
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
  });

  it('says of every pool why it was refused, where the tried ones are excluded', async () => {
    const filters = ['AvailabilityZoneFilter', 'CapacityFilter', 'RetryFilter'];
    const world = await startWorld({ pools: { [POOL_A]: 100, [POOL_B]: 1 }, placement: { filters } });
    world.driver.script('createVolume', 'terminal');
    const { volumeId, operationId } = await world.create();
    await world.ended(operationId);
    expect(world.timeline(operationId).slice(-4)).toEqual([
      'failed place (NoValidBackend), fail',
      'all undone',
      'done mark-volume-error',
      'failed (NoValidBackend)',
    ]);
    const [, failure] = world.store.eventsOf(volumeStream(volumeId));
    expect(failure).toMatchObject({
      type: 'VolumeCreationFailed',
      data: {
        reason: {
          code: 'NoValidBackend',
          message: expect.stringContaining(POOL_A),
          details: {
            pools: expect.arrayContaining([
              expect.objectContaining({ pool: POOL_A, filter: 'RetryFilter' }),
              expect.objectContaining({ pool: POOL_B, filter: 'CapacityFilter' }),
            ]),
          },
        },
      },
    });
  });

  it('leaves the volume in error and charged after three passes, and nothing on any backend', async () => {
    const world = await startWorld(TWO_POOLS);
    world.driver.script('createVolume', 'retryable', 'terminal', 'retryable');
    const { volumeId, operationId } = await world.create();
    await world.ended(operationId);
    expect(world.volume(volumeId)).toMatchObject({ status: 'error', pool: null, owner: null });
    expect(world.timeline(operationId).at(-1)).toBe('failed (BackendFailed)');
    expect(usedBy(world.quota())).toEqual({ volumes: 1, gigabytes: 2, snapshots: 0 });
    expect(world.quota().open.every((bucket) => bucket.size === 0)).toBe(true);
    expect(takenOf(world.pool(POOL_A))).toEqual(NOTHING_TAKEN);
    expect(takenOf(world.pool(POOL_B))).toEqual(NOTHING_TAKEN);
    expect(world.driver.objects.size).toBe(0);
    await world.ended((await world.remove(volumeId)).operationId);
    expect(usedBy(world.quota())).toEqual({ volumes: 0, gigabytes: 0, snapshots: 0 });
  });

  it('undoes in reverse: the volume, its room, the pin of its source', async () => {
    const world = await startWorld({ placement: { maxAttempts: 1 } });
    const sourceId = await world.available();
    world.driver.script('createClonedVolume', 'terminal');
    const { operationId } = await world.create({ source: { kind: 'volume', volumeId: sourceId } });
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual([
      'started',
      'done pin-source',
      'done stop-former-of-source',
      'done place',
      'done claim',
      'begun provision',
      'failed provision (BackendFailed), fail',
      'undoing provision',
      'undone provision',
      'undone claim',
      'undone pin-source',
      'all undone',
      'done mark-volume-error',
      'failed (BackendFailed)',
    ]);
    expect(world.volume(sourceId).pins).toEqual({});
  });

  it('does without a pool that no backend reported', async () => {
    const world = await startWorld({ pools: {} });
    const { volumeId, operationId } = await world.create();
    await world.ended(operationId);
    expect(world.timeline(operationId)).toContain('failed place (NoValidBackend), fail');
    expect(world.volume(volumeId).status).toBe('error');
  });
});

describe('the last room of a pool', () => {
  it('goes to one of two creations; the other is told that nothing is left', async () => {
    const world = await startWorld({ pools: { [POOL_A]: 3 } });
    const [one, other] = await Promise.all([world.create(), world.create()]);
    await world.ended(one.operationId);
    await world.ended(other.operationId);
    const statuses = [world.volume(one.volumeId).status, world.volume(other.volumeId).status];
    expect(statuses.toSorted()).toEqual(['available', 'error']);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
    expect(world.driver.objects.size).toBe(1);
  });

  it('refused by the ledger after placement leads to another pool', async () => {
    const world = await startWorld({ pools: { [POOL_A]: 3, [POOL_B]: 2.5 } });
    const [one, other] = await Promise.all([world.create(), world.create()]);
    await world.ended(one.operationId);
    await world.ended(other.operationId);
    const timelines = [world.timeline(one.operationId), world.timeline(other.operationId)];
    expect(timelines.filter((lines) => lines.includes('failed claim (PoolCapacityExceeded), reschedule'))).toHaveLength(
      1,
    );
    expect([world.volume(one.volumeId).pool, world.volume(other.volumeId).pool].toSorted()).toEqual([POOL_A, POOL_B]);
  });
});
