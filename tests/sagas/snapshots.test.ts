import { describe, expect, it } from 'vitest';
import { volumeStream } from '../../src/commands/streams.ts';
import { POOL_A, startWorld, takenOf, usedBy } from './world.ts';

const ONE_SNAPSHOT = { volumes: 1, gigabytes: 4, snapshots: 1 };
const NO_SNAPSHOT = { volumes: 1, gigabytes: 2, snapshots: 0 };

describe('taking a snapshot', () => {
  it('claims its room, takes it on the backend and makes it available', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const { snapshotId, operationId } = await world.snapshot(volumeId);
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual([
      'started',
      'done stop-former',
      'done claim',
      'begun snapshot',
      'done snapshot',
      'done publish',
      'succeeded',
    ]);
    expect(world.typesIn(volumeStream(volumeId)).slice(2)).toEqual(['SnapshotCreationRequested', 'SnapshotCreated']);
    expect(world.volume(volumeId).snapshots[snapshotId]).toMatchObject({
      status: 'available',
      progress: '100%',
      backendName: `snapshot-${snapshotId}`,
      owner: null,
    });
    expect(usedBy(world.quota())).toEqual(ONE_SNAPSHOT);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 2 });
  });

  it('that the backend fails leaves it in error and charged, and nothing behind', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('createSnapshot', 'doneButTimedOut');
    const { snapshotId, operationId } = await world.snapshot(volumeId);
    await world.ended(operationId);
    expect(world.timeline(operationId).slice(4)).toEqual([
      'failed snapshot (BackendFailed), fail',
      'undoing snapshot',
      'undone snapshot',
      'undone claim',
      'all undone',
      'done mark-snapshot-error',
      'failed (BackendFailed)',
    ]);
    expect(world.volume(volumeId).snapshots[snapshotId]).toMatchObject({ status: 'error', backendName: null });
    expect([...world.driver.objects.keys()]).toEqual([`volume-${volumeId}`]);
    expect(usedBy(world.quota())).toEqual(ONE_SNAPSHOT);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
    await world.ended((await world.removeSnapshot(volumeId, snapshotId)).operationId);
    expect(usedBy(world.quota())).toEqual(NO_SNAPSHOT);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
  });

  it('without room for it asks no backend', async () => {
    const world = await startWorld({ pools: { [POOL_A]: 3 } });
    const volumeId = await world.available();
    const { snapshotId, operationId } = await world.snapshot(volumeId);
    await world.ended(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('failed (PoolCapacityExceeded)');
    expect(world.volume(volumeId).snapshots[snapshotId]?.status).toBe('error');
    expect(world.driver.calls).toHaveLength(1);
  });

  it('that is deleted by force meanwhile is undone, then deleted', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('createSnapshot', 'hangs');
    const creation = await world.snapshot(volumeId);
    await world.called('createSnapshot');
    const deletion = await world.removeSnapshot(volumeId, creation.snapshotId, true);
    await world.ended(deletion.operationId);
    expect(world.timeline(creation.operationId).at(-1)).toBe('failed (Stopped)');
    expect(world.volume(volumeId).snapshots).toEqual({});
    expect(usedBy(world.quota())).toEqual(NO_SNAPSHOT);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
  });
});

describe('deleting a snapshot', () => {
  it('deletes it on the backend, then gives back what it held', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const snapshotId = await world.availableSnapshot(volumeId);
    const { operationId } = await world.removeSnapshot(volumeId, snapshotId);
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
    expect(world.typesIn(volumeStream(volumeId)).slice(-2)).toEqual(['SnapshotDeletionRequested', 'SnapshotDeleted']);
    expect([...world.driver.objects.keys()]).toEqual([`volume-${volumeId}`]);
    expect(usedBy(world.quota())).toEqual(NO_SNAPSHOT);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
  });

  it('and another one of the same volume at once: neither waits for the other', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const [one, other] = [await world.availableSnapshot(volumeId), await world.availableSnapshot(volumeId)];
    world.driver.script('deleteSnapshot', 'held', 'held');
    const deletions = [await world.removeSnapshot(volumeId, one), await world.removeSnapshot(volumeId, other)];
    await world.clock.until(() => world.driver.calls.filter((call) => call.startsWith('deleteSnapshot')).length === 2);
    world.driver.release();
    for (const { operationId } of deletions) await world.ended(operationId);
    expect(world.volume(volumeId).snapshots).toEqual({});
    expect(usedBy(world.quota())).toEqual(NO_SNAPSHOT);
  });

  it('that is in use leaves it available', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const snapshotId = await world.availableSnapshot(volumeId);
    world.driver.script('deleteSnapshot', 'busy');
    const { operationId } = await world.removeSnapshot(volumeId, snapshotId);
    await world.ended(operationId);
    expect(world.volume(volumeId).snapshots[snapshotId]).toMatchObject({ status: 'available', owner: null });
    expect(usedBy(world.quota())).toEqual(ONE_SNAPSHOT);
  });

  it('that the backend fails for good leaves it in error_deleting, charged', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const snapshotId = await world.availableSnapshot(volumeId);
    world.driver.script('deleteSnapshot', 'retryable', 'terminal');
    const { operationId } = await world.removeSnapshot(volumeId, snapshotId);
    await world.ended(operationId);
    expect(world.volume(volumeId).snapshots[snapshotId]?.status).toBe('error_deleting');
    expect(usedBy(world.quota())).toEqual(ONE_SNAPSHOT);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 2 });
  });

  it('by force while a revert reads it waits until that has ended, whoever took it over before', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const snapshotId = await world.availableSnapshot(volumeId);
    world.driver.script('revertToSnapshot', 'deaf');
    const revert = await world.revert(volumeId, snapshotId);
    await world.called('revertToSnapshot');
    const first = await world.removeSnapshot(volumeId, snapshotId, true);
    const second = await world.removeSnapshot(volumeId, snapshotId, true);
    await world.clock.pass(20_000);
    expect(world.driver.calls.filter((call) => call.startsWith('deleteSnapshot'))).toEqual([]);
    world.driver.release();
    await world.ended(second.operationId);
    expect(world.timeline(first.operationId).at(-1)).toBe('failed (Stopped)');
    expect(world.timeline(revert.operationId)).toContain('told to stop');
    expect(world.volume(volumeId)).toMatchObject({ status: 'error', snapshots: {} });
    expect(usedBy(world.quota())).toEqual(NO_SNAPSHOT);
  });
});

describe('reverting a volume to its snapshot', () => {
  it('reverts it on the backend, and both are available again', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const snapshotId = await world.availableSnapshot(volumeId);
    const { operationId } = await world.revert(volumeId, snapshotId);
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual([
      'started',
      'done stop-former',
      'begun revert',
      'done revert',
      'done finish',
      'succeeded',
    ]);
    expect(world.driver.calls.at(-1)).toBe(`revertToSnapshot volume-${volumeId} to snapshot-${snapshotId}`);
    expect(world.volume(volumeId)).toMatchObject({ status: 'available', owner: null });
    expect(world.volume(volumeId).snapshots[snapshotId]).toMatchObject({ status: 'available', owner: null });
  });

  it('that the backend fails leaves the volume in error and the snapshot available', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const snapshotId = await world.availableSnapshot(volumeId);
    world.driver.script('revertToSnapshot', 'retryable', 'terminal');
    const { operationId } = await world.revert(volumeId, snapshotId);
    await world.ended(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('failed (BackendFailed)');
    expect(world.volume(volumeId)).toMatchObject({ status: 'error', owner: null });
    expect(world.volume(volumeId).snapshots[snapshotId]).toMatchObject({ status: 'available', owner: null });
  });

  it('never happens once the volume is somebody else’s again', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const snapshotId = await world.availableSnapshot(volumeId);
    world.driver.script('revertToSnapshot', 'deaf');
    const { operationId } = await world.revert(volumeId, snapshotId);
    await world.parked(operationId);
    await world.resetStatus(volumeId, 'available');
    world.driver.release();
    await world.resume(operationId, 'retry');
    await world.ended(operationId);
    expect(world.timeline(operationId)).toContain('failed revert (NotOwner), fail');
    expect(world.driver.calls.filter((call) => call.startsWith('revertToSnapshot'))).toHaveLength(1);
    expect(world.volume(volumeId).status).toBe('available');
  });
});
