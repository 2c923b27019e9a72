import { describe, expect, it } from 'vitest';
import { operationStream } from '../../src/commands/operations.ts';
import { type SagaWorld, startWorld, takenOf, usedBy } from './world.ts';

/** A creation that fails once for good and whose volume the backend does not delete any more. */
async function creationThatCannotBeUndone(): Promise<{ world: SagaWorld; volumeId: string; operationId: string }> {
  const world = await startWorld({ placement: { maxAttempts: 1 } });
  world.driver.script('createVolume', 'doneButTimedOut');
  world.driver.script('deleteVolume', ...new Array(6).fill('terminal'));
  const { volumeId, operationId } = await world.create();
  await world.parked(operationId);
  return { world, volumeId, operationId };
}

describe('an operation that cannot be undone', () => {
  it('is parked after six attempts, further and further apart; its volume is in error', async () => {
    const { world, volumeId, operationId } = await creationThatCannotBeUndone();
    const notUndone = world.timeline(operationId).filter((line) => line === 'not undone provision (BackendFailed)');
    expect(notUndone).toHaveLength(6);
    expect(world.timeline(operationId).at(-1)).toBe('parked (BackendFailed)');
    expect(world.operation(operationId).reason?.message).toContain(
      'undo of provision does not work: the disk is broken',
    );
    expect(world.volume(volumeId)).toMatchObject({ status: 'error', owner: null });
    const seconds = Math.round(world.clock.monotonicMs() / 1000);
    expect(seconds).toBe(6); // 0.2 + 0.4 + 0.8 + 1.6 + 3.2
  });

  it('ends once an operator retries it and the backend works again', async () => {
    const { world, operationId } = await creationThatCannotBeUndone();
    await world.resume(operationId, 'retry');
    await world.ended(operationId);
    expect(world.timeline(operationId).slice(-7)).toEqual([
      'resumed to retry',
      'undoing provision',
      'undone provision',
      'undone claim',
      'all undone',
      'done mark-volume-error',
      'failed (BackendFailed)',
    ]);
    expect(world.driver.objects.size).toBe(0);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 0, snapshotsGiB: 0 });
  });

  it('gives its room back when an operator abandons it; what lies on the backend is left to him', async () => {
    const { world, volumeId, operationId } = await creationThatCannotBeUndone();
    await world.resume(operationId, 'abandon');
    await world.ended(operationId);
    expect(world.timeline(operationId).slice(-5)).toEqual([
      'resumed to abandon',
      'undone claim',
      'all undone',
      'done mark-volume-error',
      'failed (BackendFailed)',
    ]);
    expect([...world.driver.objects.keys()]).toEqual([`volume-${volumeId}`]);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 0, snapshotsGiB: 0 });
  });

  it('is told to stop by whoever deletes its volume, and undoes once more before that', async () => {
    const { world, volumeId, operationId } = await creationThatCannotBeUndone();
    const deletion = await world.remove(volumeId);
    await world.ended(deletion.operationId);
    expect(world.timeline(operationId).slice(-6)).toEqual(
      [
        'told to stop',
        'undoing provision',
        'undone provision',
        'undone claim',
        'all undone',
        'done mark-volume-error',
        'failed (BackendFailed)',
      ].slice(-6),
    );
    expect(world.timeline(deletion.operationId).at(-1)).toBe('succeeded');
    expect(world.driver.objects.size).toBe(0);
    expect(usedBy(world.quota())).toEqual({ volumes: 0, gigabytes: 0, snapshots: 0 });
  });

  it('parks again when it still does not work', async () => {
    const { world, operationId } = await creationThatCannotBeUndone();
    world.driver.script('deleteVolume', ...new Array(6).fill('retryable'));
    await world.resume(operationId, 'retry');
    await world.clock.until(() => world.timeline(operationId).filter((line) => line.startsWith('parked')).length === 2);
    await world.resume(operationId, 'retry');
    await world.ended(operationId);
    expect(world.driver.objects.size).toBe(0);
  });
});

describe('a call that takes too long', () => {
  it('is told to stop at its deadline, undone, and tried elsewhere', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'hangs');
    const { volumeId, operationId } = await world.create();
    await world.ended(operationId);
    expect(world.timeline(operationId)).toContain('failed provision (DeadlineExceeded), reschedule');
    expect(world.clock.monotonicMs()).toBeGreaterThanOrEqual(3_600_000);
    expect(world.volume(volumeId).status).toBe('available');
  });

  it('and does not end when it is told to: the operation is parked, and nothing else touches the backend', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'deaf');
    const { volumeId, operationId } = await world.create();
    await world.parked(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('parked (CallDoesNotEnd)');
    expect(world.volume(volumeId)).toMatchObject({ status: 'error', owner: null });

    const deletion = await world.remove(volumeId);
    await world.clock.pass(60_000);
    expect(world.driver.calls).toHaveLength(1);
    expect(world.timeline(deletion.operationId)).toContain('failed stop-former (FormerStillRuns), again');

    world.driver.release();
    await world.ended(deletion.operationId);
    expect(world.timeline(operationId)).toContain('told to stop');
    expect(world.timeline(deletion.operationId).at(-1)).toBe('succeeded');
    expect(world.driver.objects.size).toBe(0);
  });

  it('stays the only one, also when it cannot be recorded at once that it hangs', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'deaf');
    const { operationId } = await world.create();
    await world.called('createVolume');
    await world.clock.pass(3_600_000);
    world.store.plantFaults(operationStream(operationId), 'down', 'down');
    await world.parked(operationId);
    expect(world.driver.calls).toHaveLength(1);
    expect(world.timeline(operationId).filter((line) => line.startsWith('parked'))).toHaveLength(1);
    world.driver.release();
    await world.ended(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('failed (NotOwner)');
  });

  it('ends with its process: the next one goes on without an operator', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'deaf');
    const { volumeId, operationId } = await world.create();
    await world.parked(operationId);
    await world.stop();
    world.driver.release();
    await world.start();
    await world.ended(operationId);
    expect(world.timeline(operationId)).toContain('resumed to retry');
    expect(world.volume(volumeId).status).toBe('error');
    expect(world.driver.objects.size).toBe(0);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 0, snapshotsGiB: 0 });
  });

  it('and is retried by an operator meanwhile goes on when the call has ended', async () => {
    const world = await startWorld();
    world.driver.script('createVolume', 'deaf');
    const { volumeId, operationId } = await world.create();
    await world.parked(operationId);
    await world.resume(operationId, 'retry');
    await world.clock.pass(60_000);
    expect(world.driver.calls).toHaveLength(1);
    world.driver.release();
    await world.ended(operationId);
    expect(world.timeline(operationId).at(-1)).toBe('failed (NotOwner)');
    expect(world.volume(volumeId).status).toBe('error');
    expect(world.driver.objects.size).toBe(0);
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 0, snapshotsGiB: 0 });
  });
});
