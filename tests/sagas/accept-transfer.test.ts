import { describe, expect, it } from 'vitest';
import { quotaStream } from '../../src/commands/streams.ts';
import { startWorld, usedBy } from './world.ts';

const NOTHING_USED = { volumes: 0, gigabytes: 0, snapshots: 0 };

describe('accepting a transfer', () => {
  it('gives the donor back what moved, after the acceptor was charged for it', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    await world.availableSnapshot(volumeId);
    const { operationId } = await world.transfer(volumeId, 'p2');
    await world.ended(operationId);
    expect(world.timeline(operationId)).toEqual(['started', 'done move-quota', 'succeeded']);
    expect(usedBy(world.quota('p1'))).toEqual(NOTHING_USED);
    expect(usedBy(world.quota('p2'))).toEqual({ volumes: 1, gigabytes: 4, snapshots: 1 });
    expect(world.typesIn(quotaStream('p2'))).toEqual(['QuotaCharged', 'QuotaSettled']);
  });

  it('without its snapshots leaves them with the donor', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    await world.availableSnapshot(volumeId);
    const { operationId } = await world.transfer(volumeId, 'p2', true);
    await world.ended(operationId);
    expect(usedBy(world.quota('p1'))).toEqual({ volumes: 0, gigabytes: 2, snapshots: 1 });
    expect(usedBy(world.quota('p2'))).toEqual({ volumes: 1, gigabytes: 2, snapshots: 0 });
  });

  it('goes on when a ledger could not be written to, and gives back once', async () => {
    const world = await startWorld();
    const volumeId = await world.available();
    await world.stop();
    const { operationId } = await world.transfer(volumeId, 'p2');
    world.store.plantFaults(quotaStream('p1'), 'landed', 'lost', 'lost', 'lost', 'lost', 'down');
    await world.start();
    await world.ended(operationId);
    expect(world.typesIn(quotaStream('p1')).filter((type) => type === 'QuotaReturned')).toHaveLength(1);
    expect(usedBy(world.quota('p1'))).toEqual(NOTHING_USED);
  });
});
