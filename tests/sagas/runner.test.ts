import { describe, expect, it } from 'vitest';
import { operationStream } from '../../src/commands/operations.ts';
import { volumeStream } from '../../src/commands/streams.ts';
import { operationDefinitions } from '../../src/sagas/definitions.ts';
import { POOL_A, startWorld, takenOf, usedBy } from './world.ts';

describe('a process that stops', () => {
  it('tells calls to end, records nothing of them, and goes on with them at the next start', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'hangs');
    const { volumeId, operationId } = await world.create();
    await world.called('createVolume');
    await world.stop();
    expect(world.timeline(operationId).at(-1)).toBe('begun provision');
    expect([...world.coordination.work.keys()]).toEqual([`operation ${operationId}`]);

    await world.start();
    await world.ended(operationId);
    expect(world.timeline(operationId).slice(-4)).toEqual([
      'begun provision',
      'done provision',
      'done publish',
      'succeeded',
    ]);
    expect(world.driver.calls).toEqual([
      `createVolume volume-${volumeId} 2 GiB`,
      `createVolume volume-${volumeId} 2 GiB`,
    ]);
    expect(world.volume(volumeId).status).toBe('available');
  });

  it('does not wait for ever for a call that does not end', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'deaf');
    const { operationId } = await world.create();
    await world.called('createVolume');
    const before = world.clock.monotonicMs();
    await world.stop();
    expect(world.clock.monotonicMs() - before).toBeLessThan(30_000);
    expect(world.timeline(operationId).at(-1)).toBe('begun provision');
    world.driver.release();
  });

  it('begins nothing new', async () => {
    const world = await startWorld();
    await world.stop();
    const { operationId } = await world.create();
    expect(world.store.eventsOf(operationStream(operationId))).toEqual([]);
    await world.start();
    await world.ended(operationId);
  });

  it('keeps a wait: what was to be tried again later is', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('deleteVolume', 'retryable');
    const { operationId } = await world.remove(volumeId);
    await world.clock.until(() => world.timeline(operationId).includes('failed delete (BackendFailed), again'));
    await world.stop();
    await world.start();
    await world.ended(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('succeeded');
  });
});

describe('an operation of a version that this build does not know', () => {
  const newer = operationDefinitions.map((definition) => ({ ...definition, version: definition.version + 1 }));

  it('is left alone, and kept as unfinished for a worker that does', async () => {
    const world = await startWorld({ definitions: newer });
    world.driver.script('createVolume', 'hangs');
    const { volumeId, operationId } = await world.create();
    await world.called('createVolume');
    await world.stop();

    await world.start(operationDefinitions);
    await world.clock.pass(60_000);
    expect(world.driver.calls).toHaveLength(1);
    expect(world.timeline(operationId).at(-1)).toBe('begun provision');
    expect([...world.coordination.work.keys()]).toEqual([`operation ${operationId}`]);
    expect(world.warnings).toContain('operation left to a worker that knows its version');
    await world.stop();

    await world.start(newer);
    await world.ended(operationId);
    expect(world.volume(volumeId).status).toBe('available');
  });
});

describe('a wake-up', () => {
  it('that comes while the operation is being parked is not lost', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'deaf');
    const { operationId } = await world.create();
    // an operator is as quick as the log
    world.store.beforeNextAppend(operationStream(operationId), async () => undefined);
    await world.parked(operationId);
    const resumed = world.resume(operationId, 'retry');
    world.driver.release();
    await resumed;
    await world.ended(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('failed (NotOwner)');
  });

  it('to stop does not break off what undoes or marks the failure', async () => {
    const world = await startWorld({ placement: { maxAttempts: 1 } });
    world.driver.script('createVolume', 'doneButTimedOut');
    world.driver.script('deleteVolume', 'held');
    const { volumeId, operationId } = await world.create();
    await world.called('deleteVolume');
    const deletion = await world.remove(volumeId, { force: true });
    await world.clock.until(() => world.timeline(operationId).includes('told to stop'));
    world.driver.release();
    await world.ended(deletion.operationId);
    expect(world.timeline(operationId)).not.toContain('not undone provision (Stopped)');
    expect(world.driver.objects.size).toBe(0);
  });
});

describe('a wall clock that is put back', () => {
  it('does not make an operation wait until the time it had been', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('deleteVolume', 'retryable');
    const { operationId } = await world.remove(volumeId);
    await world.clock.until(() => world.timeline(operationId).includes('failed delete (BackendFailed), again'));
    const before = world.clock.monotonicMs();
    world.clock.shiftWall(-3_600_000);
    await world.ended(operationId);
    expect(world.clock.monotonicMs() - before).toBeLessThan(60_000);
  });
});

describe('a backend whose worker is away', () => {
  it('is waited for; the operation goes on when it is back', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.loseLease('node@a');
    const { operationId } = await world.remove(volumeId);
    await world.clock.pass(60_000);
    expect(world.volume(volumeId).status).toBe('deleting');
    world.takeLease('node@a');
    await world.ended(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('succeeded');
  });

  it('for longer than about three minutes fails the operation', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.loseLease('node@a');
    const before = world.clock.monotonicMs();
    const { operationId } = await world.remove(volumeId);
    await world.ended(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('failed (BackendUnavailable)');
    expect(world.volume(volumeId).status).toBe('error_deleting');
    const minutes = (world.clock.monotonicMs() - before) / 60_000;
    expect(minutes).toBeGreaterThan(2);
    expect(minutes).toBeLessThan(4);
  });

  it('by losing its lease in the middle of a call: that is neither success nor failure, and is done again', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'hangs');
    const { volumeId, operationId } = await world.create();
    await world.called('createVolume');
    world.loseLease('node@a');
    await world.clock.pass(5_000);
    world.takeLease('node@a');
    await world.ended(operationId);
    expect(world.timeline(operationId).filter((line) => line.startsWith('failed provision (BackendFailed'))).toEqual(
      [],
    );
    expect(world.volume(volumeId)).toMatchObject({ status: 'available', pool: POOL_A });
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
  });

  it('because another worker fenced it: the same', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'fenced', 'fenced');
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
    expect(world.volume(volumeId).status).toBe('available');
  });
});

describe('many operations at once', () => {
  it('all end, and the ledgers hold what lives', async () => {
    const world = await startWorld({ limits: { volumes: -1, gigabytes: -1 }, pools: { [POOL_A]: 1_000 } });
    const created = await Promise.all(Array.from({ length: 150 }, () => world.create({ sizeGiB: 1 })));
    for (const { operationId } of created) await world.ended(operationId);
    const deleted = await Promise.all(created.slice(0, 100).map(({ volumeId }) => world.remove(volumeId)));
    for (const { operationId } of deleted) await world.ended(operationId);
    expect(usedBy(world.quota())).toEqual({ volumes: 50, gigabytes: 50, snapshots: 0 });
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 50, snapshotsGiB: 0 });
    expect(world.driver.objects.size).toBe(50);
    expect(world.runner().open()).toEqual([]);
    expect(world.typesIn(volumeStream(created[0]?.volumeId ?? '')).at(-1)).toBe('VolumeDeleted');
  });
});
