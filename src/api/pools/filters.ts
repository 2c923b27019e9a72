import { capabilitiesOf, filterPools, type PlacementRequest, type PoolReport } from '../../domain/placement/index.ts';
import type { VolumeTypeDocument } from '../../projections/volume-types.ts';
import { booleanOf } from '../booleans.ts';
import type { Call } from '../call.ts';
import { notFound } from '../faults.ts';
import { refuseNonAscii, refuseUnlisted } from '../filters.ts';
import { typeByIdOrName, typeNotFound } from '../volume-types/target.ts';

/** Filters of the pool list (contract/scheduler.md §9, errors.md §5). */
export const POOL_FILTERS: ReadonlySet<string> = new Set(['name', 'volume_type']);

const FILTERS_SINCE = 28;
const CONFIGURED_FILTERS = 31;
const TYPE_FILTER = 35;

/** The pools that the query's filters leave. Throws 400 for an unknown one (administrators too), 404 for an unknown type. */
export async function selectPools(call: Call, pools: readonly PoolReport[]): Promise<readonly PoolReport[]> {
  const { microversion } = call;
  if (microversion < FILTERS_SINCE) return pools;
  const { detail: _, name, volume_type: typeName, ...capabilities } = call.query;
  if (microversion >= CONFIGURED_FILTERS) {
    const { detail: __, ...filters } = call.query;
    refuseNonAscii(Object.keys(filters));
    refuseUnlisted(Object.keys(filters), (key) => POOL_FILTERS.has(key));
  }
  const wanted = pools.filter((report) => {
    const facts = capabilitiesOf(report);
    const capable = Object.entries(capabilities).every(([key, value]) => isEqualFact(facts[key], value));
    return capable && (name === undefined || report.pool === name);
  });
  if (typeName === undefined || typeName === '' || microversion < TYPE_FILTER) return wanted;
  const type = await typeByIdOrName(call, typeName);
  if (type === null) throw notFound(typeNotFound(typeName));
  return filterPools(requestOfType(type), wanted, call.deps.placementOptions()).passing;
}

/** A request for nothing but what the type asks of a pool. */
const requestOfType = ({ name, extraSpecs }: VolumeTypeDocument): PlacementRequest => ({
  operation: 'create',
  sizeGiB: 0,
  volumeType: { name, extraSpecs },
  availabilityZones: [],
  hints: {},
  resourceBackend: null,
  triedPools: [],
  volumePools: {},
  instanceHost: null,
  volume: {},
  qos: {},
});

/** Booleans are compared as booleans, everything else as text; of several spellings any may be named. */
function isEqualFact(fact: unknown, value: string): boolean {
  if (typeof fact === 'boolean') return fact === (booleanOf(value) ?? false);
  if (Array.isArray(fact)) return fact.some((one) => String(one) === value);
  return fact !== undefined && fact !== null && String(fact) === value;
}
