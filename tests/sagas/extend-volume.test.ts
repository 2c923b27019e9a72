import { describe, expect, it } from 'vitest';
import { volumeStream } from '../../src/commands/streams.ts';
import { idsOf } from '../../src/domain/kernel/id-map.ts';
import { acceptedOf, asUser, worldOn } from '../commands/world.ts';
import { POOL_A, startWorld, takenOf, usedBy } from './world.ts';

describe('extending a volume', () => {
  it('claims the growth, grows the volume on its backend, and keeps what was charged', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    const { operationId } = await world.extend(volumeId, 5);
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual([
      'started',
      'done stop-former',
      'done claim',
      'begun extend',
      'done extend',
      'done finish',
      'succeeded',
    ]);
    expect(world.typesIn(volumeStream(volumeId)).slice(2)).toEqual(['VolumeExtensionRequested', 'VolumeExtended']);
    expect(world.volume(volumeId)).toMatchObject({ status: 'available', sizeGiB: 5, owner: null });
    expect([...world.driver.objects]).toEqual([[`volume-${volumeId}`, 5]]);
    expect(usedBy(world.quota())).toEqual({ volumes: 1, gigabytes: 5, snapshots: 0 });
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 5, snapshotsGiB: 0 });
  });

  it('without room on the pool is refused: the volume is as before, and the backend was not asked', async () => {
    const world = await startWorld({ pools: { [POOL_A]: 3 } });
    const volumeId = await world.available();
    const { operationId } = await world.extend(volumeId, 5);
    await world.ended(operationId);
    expect(world.timeline(operationId).slice(2)).toEqual([
      'failed claim (PoolCapacityExceeded), fail',
      'undone claim',
      'all undone',
      'done mark-extension-failed',
      'failed (PoolCapacityExceeded)',
    ]);
    expect(world.volume(volumeId)).toMatchObject({ status: 'available', sizeGiB: 2, owner: null });
    expect(world.driver.calls).toHaveLength(1);
    expect(usedBy(world.quota())).toEqual({ volumes: 1, gigabytes: 2, snapshots: 0 });
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
  });

  it('that the backend fails leaves error_extending and the former size, and gives everything back', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('extendVolume', 'doneButTimedOut', 'terminal');
    const { operationId } = await world.extend(volumeId, 5);
    await world.ended(operationId);
    expect(world.timeline(operationId).filter((line) => line.startsWith('failed extend'))).toEqual([
      'failed extend (BackendFailed), again',
      'failed extend (BackendFailed), fail',
    ]);
    expect(world.volume(volumeId)).toMatchObject({ status: 'error_extending', sizeGiB: 2, owner: null });
    expect(usedBy(world.quota())).toEqual({ volumes: 1, gigabytes: 2, snapshots: 0 });
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 2, snapshotsGiB: 0 });
  });

  it('that timed out after it was done succeeds at the next attempt', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('extendVolume', 'doneButTimedOut');
    const { operationId } = await world.extend(volumeId, 5);
    await world.ended(operationId);
    expect(world.volume(volumeId)).toMatchObject({ status: 'available', sizeGiB: 5 });
  });

  it('that is taken over gives its growth back, and the deletion what the volume had before', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    world.driver.script('extendVolume', 'hangs');
    const extension = await world.extend(volumeId, 5);
    await world.called('extendVolume');
    const deletion = await world.remove(volumeId, { force: true });
    await world.ended(deletion.operationId);
    expect(world.timeline(extension.operationId).at(-1)).toBe('failed (Stopped)');
    expect(usedBy(world.quota())).toEqual({ volumes: 0, gigabytes: 0, snapshots: 0 });
    expect(takenOf(world.pool())).toEqual({ volumesGiB: 0, snapshotsGiB: 0 });
  });

  it.each(['terminal', 'good'] as const)(
    'that is sent twice costs once, also where the second sending comes to its charge when the first has ended (%s)',
    async (outcome) => {
      const world = await startWorld();
      const volumeId = await world.available();
      world.driver.script('extendVolume', outcome);
      const request = { volumeId, newSizeGiB: 5, attachedAllowed: true };
      const context = asUser('p1', 'extend');
      const late = worldOn(world.store);
      const { handle } = late.handler;
      const gate = Promise.withResolvers<void>();
      const waiting: typeof handle = async (aggregate, stream, command, ...more) => {
        if (command.type === 'ChargeQuota') await gate.promise;
        return handle(aggregate, stream, command, ...more);
      };
      Object.assign(late.handler, { handle: waiting });
      const again = late.volumes.extend(request, context);
      const { operationId } = acceptedOf(await world.clients.volumes.extend(request, context));
      await world.ended(operationId);
      const used = usedBy(world.quota());
      gate.resolve();
      expect(acceptedOf(await again).operationId).toBe(operationId);
      await world.clock.pass(8_000);
      expect(usedBy(world.quota())).toEqual(used);
      expect(idsOf(world.quota().open)).toEqual([]);
    },
  );

  it('of an attached volume leaves it in use', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    await world.attach(volumeId);
    const { operationId } = await world.extend(volumeId, 3);
    await world.ended(operationId);
    expect(world.volume(volumeId)).toMatchObject({ status: 'in-use', sizeGiB: 3 });
  });
});
