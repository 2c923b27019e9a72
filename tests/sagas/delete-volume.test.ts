import { describe, expect, it } from 'vitest';
import { poolStream, quotaStream, volumeStream } from '../../src/commands/streams.ts';
import { POOL_A, startWorld, takenOf, usedBy } from './world.ts';

const NOTHING_TAKEN = { volumesGiB: 0, snapshotsGiB: 0 };
const NOTHING_USED = { volumes: 0, gigabytes: 0, snapshots: 0 };

describe('deleting a volume', () => {
  it('deletes it on its backend, then gives back what it held', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const { operationId } = await world.remove(volumeId);
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual([
      'started',
      'done stop-former',
      'done inventory',
      'begun delete',
      'done delete',
      'done finish',
      'succeeded',
    ]);
    expect(world.typesIn(volumeStream(volumeId)).slice(2)).toEqual(['VolumeDeletionRequested', 'VolumeDeleted']);
    expect(world.typesIn(quotaStream('p1')).at(-1)).toBe('QuotaReturned');
    expect(world.typesIn(poolStream(POOL_A)).at(-1)).toBe('PoolCapacityReturned');
    expect(usedBy(world.quota())).toEqual(NOTHING_USED);
    expect(takenOf(world.pool())).toEqual(NOTHING_TAKEN);
  });

  it('deletes its snapshots first, oldest to newest', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const snapshotIds = [await world.availableSnapshot(volumeId), await world.availableSnapshot(volumeId)];
    const before = world.driver.calls.length;
    const { operationId } = await world.remove(volumeId, { cascade: true });
    await world.ended(operationId);
    expect(world.driver.calls.slice(before)).toEqual([
      `deleteSnapshot snapshot-${snapshotIds[0]}`,
      `deleteSnapshot snapshot-${snapshotIds[1]}`,
      `deleteVolume volume-${volumeId}`,
    ]);
    expect(world.typesIn(volumeStream(volumeId)).slice(-3)).toEqual([
      'SnapshotDeleted',
      'SnapshotDeleted',
      'VolumeDeleted',
    ]);
    expect(usedBy(world.quota())).toEqual(NOTHING_USED);
    expect(takenOf(world.pool())).toEqual(NOTHING_TAKEN);
  });

  it('gives a snapshot back to the project that was charged for it', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    await world.availableSnapshot(volumeId);
    const transfer = await world.transfer(volumeId, 'p2', true);
    await world.ended(transfer.operationId);
    const { operationId } = await world.remove(volumeId, { cascade: true });
    await world.ended(operationId);
    expect(usedBy(world.quota('p1'))).toEqual(NOTHING_USED);
    expect(usedBy(world.quota('p2'))).toEqual(NOTHING_USED);
  });

  it('of a volume that was never built touches no backend', async () => {
    const world = await startWorld({ pools: {} });
    const { volumeId, operationId } = await world.create();
    await world.ended(operationId);
    const deletion = await world.remove(volumeId);
    await world.ended(deletion.operationId);
    expect(world.driver.calls).toEqual([]);
    expect(usedBy(world.quota())).toEqual(NOTHING_USED);
  });
});

describe('a deletion that the backend fails', () => {
  it('is tried again where the backend says not now, later and later', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('deleteVolume', 'retryable', 'doneButTimedOut');
    const before = world.clock.monotonicMs();
    const { operationId } = await world.remove(volumeId);
    await world.ended(operationId);
    expect(world.timeline(operationId).filter((line) => line.startsWith('failed'))).toEqual([
      'failed delete (BackendFailed), again',
      'failed delete (BackendFailed), again',
    ]);
    expect(world.clock.monotonicMs() - before).toBe(600);
    expect(world.timeline(operationId).at(-1)).toBe('succeeded');
  });

  it('for good leaves the volume in error_deleting, charged, and it may be asked for again', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('deleteVolume', 'terminal');
    const first = await world.remove(volumeId);
    await world.ended(first.operationId);
    expect(world.volume(volumeId)).toMatchObject({ status: 'error_deleting', owner: null });
    expect(usedBy(world.quota())).toEqual({ volumes: 1, gigabytes: 2, snapshots: 0 });
    const second = await world.remove(volumeId, { force: true });
    await world.ended(second.operationId);
    expect(usedBy(world.quota())).toEqual(NOTHING_USED);
  });

  it('because the volume is in use leaves it as it was', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('deleteVolume', 'busy');
    const { operationId } = await world.remove(volumeId);
    await world.ended(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('failed (BackendBusy)');
    expect(world.volume(volumeId)).toMatchObject({ status: 'available', owner: null });
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
  });

  it('halfway gives back the snapshots that are gone, and keeps the others', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const [gone, left] = [await world.availableSnapshot(volumeId), await world.availableSnapshot(volumeId)];
    world.driver.script('deleteSnapshot', 'good', 'busy');
    const { operationId } = await world.remove(volumeId, { cascade: true });
    await world.ended(operationId);
    const { status, snapshots } = world.volume(volumeId);
    expect(status).toBe('available');
    expect(Object.keys(snapshots)).toEqual([left]);
    expect(snapshots[left]).toMatchObject({ status: 'available', owner: null });
    expect([...world.driver.objects.keys()]).toEqual([`volume-${volumeId}`, `snapshot-${left}`]);
    expect(world.driver.objects.has(`snapshot-${gone}`)).toBe(false);
    expect(usedBy(world.quota())).toEqual({ volumes: 1, gigabytes: 4, snapshots: 1 });
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 2 });
    await world.ended((await world.remove(volumeId, { cascade: true })).operationId);
    expect(usedBy(world.quota())).toEqual(NOTHING_USED);
    expect(takenOf(world.pool())).toEqual(NOTHING_TAKEN);
  });
});

describe('a deletion by force', () => {
  it('of a volume that is being built stops that first, and begins when it is undone', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'hangs');
    const creation = await world.create();
    await world.called('createVolume');
    const deletion = await world.remove(creation.volumeId, { force: true });
    await world.ended(deletion.operationId);
    expect(world.timeline(creation.operationId)).toEqual([
      'started',
      'done place',
      'done claim',
      'begun provision',
      'told to stop',
      'undoing provision',
      'undone provision',
      'undone claim',
      'all undone',
      'done mark-volume-error',
      'failed (Stopped)',
    ]);
    expect(world.timeline(deletion.operationId).at(-1)).toBe('succeeded');
    expect(world.driver.objects.size).toBe(0);
    expect(usedBy(world.quota())).toEqual(NOTHING_USED);
    expect(takenOf(world.pool())).toEqual(NOTHING_TAKEN);
  });

  it('of a volume whose creation has yet to start lets nothing be built', async () => {
    const world = await startWorld();
    await world.stop();
    const creation = await world.create();
    const deletion = await world.remove(creation.volumeId, { force: true });
    await world.start();
    await world.ended(deletion.operationId);
    await world.ended(creation.operationId);
    expect(world.driver.calls).toEqual([]);
    expect(usedBy(world.quota())).toEqual(NOTHING_USED);
    expect(takenOf(world.pool())).toEqual(NOTHING_TAKEN);
  });

  it('takes over another deletion, also one that has taken over an extension', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('extendVolume', 'deaf');
    const extension = await world.extend(volumeId, 5);
    await world.called('extendVolume');
    const first = await world.remove(volumeId, { force: true });
    const second = await world.remove(volumeId, { force: true });
    await world.clock.pass(20_000);
    expect(world.driver.calls.filter((call) => call.startsWith('delete'))).toEqual([]);
    world.driver.release();
    await world.ended(second.operationId);
    expect(world.timeline(first.operationId).at(-1)).toBe('failed (Stopped)');
    expect(world.timeline(extension.operationId)).toContain('told to stop');
    expect(world.driver.objects.size).toBe(0);
    expect(usedBy(world.quota())).toEqual(NOTHING_USED);
    expect(takenOf(world.pool())).toEqual(NOTHING_TAKEN);
  });
});

describe('a status that an administrator resets', () => {
  it('under a creation stops it; what it had built is undone', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'held');
    const { volumeId, operationId } = await world.create();
    await world.called('createVolume');
    await world.resetStatus(volumeId, 'error');
    await world.ended(operationId);
    expect(world.timeline(operationId)).toContain('told to stop');
    expect(world.volume(volumeId)).toMatchObject({ status: 'error', pool: null, owner: null });
    expect(world.driver.objects.size).toBe(0);
    expect(takenOf(world.pool())).toEqual(NOTHING_TAKEN);
    expect(usedBy(world.quota())).toEqual({ volumes: 1, gigabytes: 2, snapshots: 0 });
  });

  it('under a deletion stops it, and a later one waits until it has ended', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('deleteVolume', 'deaf');
    const first = await world.remove(volumeId);
    await world.called('deleteVolume');
    await world.resetStatus(volumeId, 'error');
    const second = await world.remove(volumeId);
    await world.clock.pass(5_000);
    expect(world.driver.calls.filter((call) => call.startsWith('delete'))).toHaveLength(1);
    world.driver.release();
    await world.ended(second.operationId);
    expect(world.timeline(first.operationId).at(-1)).toBe('failed (Stopped)');
    expect(usedBy(world.quota())).toEqual(NOTHING_USED);
  });

  it.each(['a snapshot', 'a clone', 'a volume from its snapshot'] as const)(
    'under a deletion keeps %s of what is perhaps going from being made until that has ended',
    async (what) => {
      const world = await startWorld();
      const volumeId = await world.available();
      const { snapshotId, operationId: taking } = await world.snapshot(volumeId);
      await world.ended(taking);
      const fromSnapshot = what === 'a volume from its snapshot';
      world.driver.script(fromSnapshot ? 'deleteSnapshot' : 'deleteVolume', 'deaf');
      if (fromSnapshot) {
        await world.removeSnapshot(volumeId, snapshotId);
        await world.called('deleteSnapshot');
        await world.resetSnapshotStatus(volumeId, snapshotId, 'available');
      } else {
        await world.remove(volumeId, { cascade: true });
        await world.called('deleteVolume');
        await world.resetStatus(volumeId, 'available');
      }
      const made = await (what === 'a snapshot'
        ? world.snapshot(volumeId)
        : world.create({
            source: fromSnapshot ? { kind: 'snapshot', volumeId, snapshotId } : { kind: 'volume', volumeId },
          }));
      const calls = world.driver.calls.length;
      await world.clock.pass(5_000);
      expect(world.driver.calls).toHaveLength(calls);
      world.driver.release();
      await world.ended(made.operationId);
      expect(world.timeline(made.operationId).at(-1)).toBe('failed (BackendFailed)');
    },
  );

  it('keeps a parked deletion from touching the backend ever again', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('deleteVolume', 'deaf');
    const { operationId } = await world.remove(volumeId);
    await world.parked(operationId);
    await world.resetStatus(volumeId, 'available');
    await world.attach(volumeId);
    await world.resume(operationId, 'retry');
    const calls = world.driver.calls.length;
    world.driver.release();
    await world.ended(operationId);
    expect(world.driver.calls).toHaveLength(calls);
    expect(world.volume(volumeId).status).toBe('in-use');
  });
});
