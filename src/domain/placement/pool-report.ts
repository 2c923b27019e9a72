import type { GiB, Instant } from '../kernel/units.ts';

/** Capacity as a backend states it: GiB, or one of two words (contract/scheduler.md §2). */
export type Capacity = number | 'infinite' | 'unknown';

/** What is known of one pool when something is placed: the last report of its worker and the ledger beside it. */
export interface PoolReport {
  /** `host@backend#pool`. */
  readonly pool: string;
  readonly availabilityZone: string;
  readonly backendName: string;
  readonly vendorName: string;
  readonly driverVersion: string;
  readonly storageProtocol: string;
  readonly totalCapacityGiB: Capacity;
  /** What the backend measured when it reported. */
  readonly freeCapacityGiB: Capacity;
  /** Sum of the sizes of live volumes (the ledger's). */
  readonly allocatedCapacityGiB: GiB;
  /** Volumes and snapshots together (the ledger's). */
  readonly provisionedCapacityGiB: GiB;
  /** The ledger's provisioned GiB at the time of the report: what was claimed since is the difference. */
  readonly provisionedAtReportGiB: GiB;
  readonly volumeCount: number;
  readonly reservedPercentage: number;
  readonly thinProvisioning: boolean;
  readonly thickProvisioning: boolean;
  readonly maxOverSubscriptionRatio: number | 'auto';
  readonly multiattach: boolean;
  /** Everything else that extra specs and expressions may name. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly filterFunction: string | null;
  readonly goodnessFunction: string | null;
  readonly reportedAt: Instant;
}
