import { freeSinceReportGiB, overSubscriptionRatio } from './capacity.ts';
import type { PoolReport } from './pool-report.ts';

/** What extra specs, queries and expressions may name of a pool, under the original's names (contract/scheduler.md §2). */
export type PoolFacts = Readonly<Record<string, unknown>>;

/** Spellings that mean the same protocol: a type may use any of them. */
const PROTOCOL_FAMILIES: readonly (readonly string[])[] = [
  ['iSCSI', 'iscsi'],
  ['FC', 'fibre_channel', 'fc'],
  ['NFS', 'nfs'],
  ['NVMe-oF', 'NVMeOF', 'nvmeof'],
];

/** All spellings of a protocol's family, or the protocol alone where it has none. */
export const protocolSpellings = (protocol: string): string | readonly string[] =>
  PROTOCOL_FAMILIES.find((family) => family.includes(protocol)) ?? protocol;

export interface PoolAddress {
  readonly host: string;
  /** `host@backend`. */
  readonly backend: string;
  readonly pool: string;
}

/** Takes `host@backend#pool` apart; a part that is missing is the shorter address itself, or an empty pool. */
export function poolAddressOf(address: string): PoolAddress {
  const [backend = '', pool = ''] = address.split('#');
  const [host = ''] = backend.split('@');
  return { host, backend, pool };
}

/** What the backend reported, its own additions included: extra specs and `capabilities.x` look here. */
export function capabilitiesOf(report: PoolReport): PoolFacts {
  return {
    QoS_support: false,
    ...report.capabilities,
    pool_name: poolAddressOf(report.pool).pool,
    volume_backend_name: report.backendName,
    vendor_name: report.vendorName,
    driver_version: report.driverVersion,
    storage_protocol: protocolSpellings(report.storageProtocol),
    total_capacity_gb: report.totalCapacityGiB,
    free_capacity_gb: report.freeCapacityGiB,
    allocated_capacity_gb: report.allocatedCapacityGiB,
    provisioned_capacity_gb: report.provisionedCapacityGiB,
    reserved_percentage: report.reservedPercentage,
    thin_provisioning_support: report.thinProvisioning,
    thick_provisioning_support: report.thickProvisioning,
    max_over_subscription_ratio: report.maxOverSubscriptionRatio,
    multiattach: report.multiattach,
    filter_function: report.filterFunction,
    goodness_function: report.goodnessFunction,
    timestamp: timestampOf(report),
  };
}

/** What `stats.x` names; a goodness function does not see the two names of clusters. */
export function statsOf(report: PoolReport): PoolFacts {
  return { ...goodnessStatsOf(report), cluster_name: null, backend_id: report.pool };
}

export function goodnessStatsOf(report: PoolReport): PoolFacts {
  return {
    host: report.pool,
    volume_backend_name: report.backendName,
    vendor_name: report.vendorName,
    driver_version: report.driverVersion,
    storage_protocol: protocolSpellings(report.storageProtocol),
    QoS_support: report.capabilities.QoS_support ?? false,
    total_capacity_gb: report.totalCapacityGiB,
    allocated_capacity_gb: report.allocatedCapacityGiB,
    free_capacity_gb: freeSinceReportGiB(report),
    reserved_percentage: report.reservedPercentage,
    updated: timestampOf(report),
  };
}

/** What `$name` looks up in the query hint: the pool's state, its capabilities and its service. */
export function poolStateOf(report: PoolReport): PoolFacts {
  return {
    ...statsOf(report),
    pool_name: poolAddressOf(report.pool).pool,
    provisioned_capacity_gb: report.provisionedCapacityGiB,
    max_over_subscription_ratio: overSubscriptionRatio(report),
    thin_provisioning_support: report.thinProvisioning,
    thick_provisioning_support: report.thickProvisioning,
    multiattach: report.multiattach,
    filter_function: report.filterFunction,
    goodness_function: report.goodnessFunction,
    capabilities: capabilitiesOf(report),
    service: { host: poolAddressOf(report.pool).backend, availability_zone: report.availabilityZone },
  };
}

const timestampOf = (report: PoolReport): string => new Date(report.reportedAt).toISOString().replace('Z', '');
