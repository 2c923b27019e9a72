import { describe, expect, it } from 'vitest';
import { createCommandHandler } from '../../src/commands/handle.ts';
import { parsePlacementOptions } from '../../src/domain/placement/index.ts';
import type { PoolReport } from '../../src/domain/placement/pool-report.ts';
import { createPlacement, type PlaceVolume } from '../../src/sagas/place.ts';
import { createMemoryEventStore } from '../commands/memory-event-store.ts';

const report = (pool: string, freeCapacityGiB = 100): PoolReport => ({
  pool,
  availabilityZone: 'nova',
  backendName: 'file',
  vendorName: 'v',
  driverVersion: '1',
  storageProtocol: 'local',
  totalCapacityGiB: 100,
  freeCapacityGiB,
  allocatedCapacityGiB: 0,
  provisionedCapacityGiB: 100 - freeCapacityGiB,
  provisionedAtReportGiB: 100 - freeCapacityGiB,
  volumeCount: 0,
  reservedPercentage: 0,
  thinProvisioning: false,
  thickProvisioning: true,
  maxOverSubscriptionRatio: 1,
  multiattach: false,
  capabilities: {},
  filterFunction: null,
  goodnessFunction: null,
  reportedAt: 0,
});

const request: PlaceVolume = {
  volumeId: 'v1',
  projectId: 'p1',
  sizeGiB: 10,
  volumeType: { name: 't', extraSpecs: {} },
  availabilityZones: [],
  hints: {},
  source: null,
  triedPools: [],
};

function placementOver(pools: readonly PoolReport[], options: object = {}) {
  const clock = { now: () => 0, monotonicMs: () => 0, sleep: async () => undefined };
  const handler = createCommandHandler({ eventStore: createMemoryEventStore(), clock });
  return createPlacement({
    handler,
    reports: {
      read: async () => ({
        usable: pools,
        unusable: [{ pool: 'h@down#a', reason: 'service is down', report: report('h@down#a') }],
      }),
    },
    options: () => parsePlacementOptions(options),
    random: () => 0,
  });
}

describe('placing a volume', () => {
  const pools = [report('h@one#a', 50), report('h@one#b', 90), report('h@two#c', 95)];

  it('takes the pool with the most room', async () => {
    expect((await placementOver(pools).place(request)).pool).toBe('h@two#c');
  });

  it('comes back to a tried pool only where no other will do', async () => {
    const tried = { ...request, triedPools: ['h@two#c'] };
    expect((await placementOver(pools).place(tried)).pool).toBe('h@one#b');
  });

  it('keeps a clone on the pool of its source', async () => {
    const clone = { ...request, source: { kind: 'volume' as const, pool: 'h@one#a' } };
    expect((await placementOver(pools, { snapshotSameHost: false }).place(clone)).pool).toBe('h@one#a');
  });

  it('keeps a volume from a snapshot on its pool, or on its backend where the options allow it', async () => {
    const fromSnapshot = { ...request, source: { kind: 'snapshot' as const, pool: 'h@one#a' } };
    expect((await placementOver(pools).place(fromSnapshot)).pool).toBe('h@one#a');
    expect((await placementOver(pools, { snapshotSameHost: false }).place(fromSnapshot)).pool).toBe('h@one#b');
  });

  it('says for every pool why it was refused, also for those that may not be used', async () => {
    const refused = placementOver([report('h@one#a', 5)]).place(request);
    await expect(refused).rejects.toMatchObject({
      retry: 'never',
      reason: {
        code: 'NoValidBackend',
        details: {
          pools: [
            { pool: 'h@one#a', filter: 'CapacityFilter' },
            { pool: 'h@down#a', reason: 'service is down' },
          ],
        },
      },
    });
  });

  it('allows as many passes as the options say', () => {
    expect(placementOver(pools).maxAttempts()).toBe(3);
    expect(placementOver(pools, { maxAttempts: 1 }).maxAttempts()).toBe(1);
  });
});
