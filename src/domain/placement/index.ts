export { type CapacityVerdict, type Figures, fits, overSubscriptionRatio, virtualFreeGiB } from './capacity.ts';
export { choosePool, explainRefusal, type FilteredPools, filterPools, type PoolChoice } from './choose-pool.ts';
export { PLACEMENT_PRESETS, type PlacementOptions, parsePlacementOptions, placementOptionsSchema } from './options.ts';
export { capabilitiesOf, type PoolAddress, poolAddressOf } from './pool-facts.ts';
export type { PoolReport } from './pool-report.ts';
export type { PlacementRequest, PoolRefusal } from './request.ts';
export { type ZoneChoice, type ZoneOptions, type ZoneRequest, zonesForCreate, zonesOfType } from './zones.ts';
