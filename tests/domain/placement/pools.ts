import { type PlacementOptions, parsePlacementOptions } from '../../../src/domain/placement/options.ts';
import type { PoolReport } from '../../../src/domain/placement/pool-report.ts';
import type { PlacementRequest } from '../../../src/domain/placement/request.ts';

/** A thick pool of 100 GiB, empty, in zone nova. */
export const poolReport = (changes: Partial<PoolReport> = {}): PoolReport => ({
  pool: 'alpha@file#one',
  availabilityZone: 'nova',
  backendName: 'file',
  vendorName: 'Scoria',
  driverVersion: '1.0',
  storageProtocol: 'file',
  totalCapacityGiB: 100,
  freeCapacityGiB: 100,
  allocatedCapacityGiB: 0,
  provisionedCapacityGiB: 0,
  provisionedAtReportGiB: 0,
  volumeCount: 0,
  reservedPercentage: 0,
  thinProvisioning: false,
  thickProvisioning: true,
  maxOverSubscriptionRatio: 20,
  multiattach: false,
  capabilities: {},
  filterFunction: null,
  goodnessFunction: null,
  reportedAt: 1_700_000_000_000,
  ...changes,
});

/** A request for 10 GiB without a type, in any zone. */
export const placementRequest = (changes: Partial<PlacementRequest> = {}): PlacementRequest => ({
  operation: 'create',
  sizeGiB: 10,
  volumeType: null,
  availabilityZones: [],
  hints: {},
  resourceBackend: null,
  triedPools: [],
  volumePools: {},
  instanceHost: null,
  volume: {},
  qos: {},
  ...changes,
});

export const typeWith = (extraSpecs: Readonly<Record<string, string>>): PlacementRequest['volumeType'] => ({
  name: 'gold',
  extraSpecs,
});

export const placementOptions = (changes: Partial<PlacementOptions> = {}): PlacementOptions => ({
  ...parsePlacementOptions({}),
  ...changes,
});

/** For tests where nothing may be drawn. */
export const noRandom = (): number => {
  throw new Error('randomness was asked for');
};
