import type { PoolReport } from '../../../src/domain/placement/pool-report.ts';

/** A thin pool of 10 GiB that is not over-subscribed, with whatever a test wants otherwise. */
export const reportOf = (over: Partial<PoolReport>): PoolReport => ({
  pool: 'node@file#main',
  availabilityZone: 'nova',
  backendName: 'file',
  vendorName: 'Scoria',
  driverVersion: '1',
  storageProtocol: 'file',
  totalCapacityGiB: 10,
  freeCapacityGiB: 10,
  allocatedCapacityGiB: 0,
  provisionedCapacityGiB: 0,
  provisionedAtReportGiB: 0,
  volumeCount: 0,
  reservedPercentage: 0,
  thinProvisioning: true,
  thickProvisioning: false,
  maxOverSubscriptionRatio: 1,
  multiattach: true,
  capabilities: {},
  filterFunction: null,
  goodnessFunction: null,
  reportedAt: 0,
  ...over,
});
