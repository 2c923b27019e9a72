import { z } from 'zod';

/** The original's names; the retry filter answers to both of its own. */
export const FILTER_NAMES = [
  'AvailabilityZoneFilter',
  'CapacityFilter',
  'CapabilitiesFilter',
  'DriverFilter',
  'JsonFilter',
  'SameBackendFilter',
  'DifferentBackendFilter',
  'InstanceLocalityFilter',
  'RetryFilter',
  'IgnoreAttemptedHostsFilter',
] as const;
export type FilterName = (typeof FILTER_NAMES)[number];

export const WEIGHER_NAMES = [
  'CapacityWeigher',
  'AllocatedCapacityWeigher',
  'VolumeNumberWeigher',
  'ChanceWeigher',
  'GoodnessWeigher',
] as const;
export type WeigherName = (typeof WEIGHER_NAMES)[number];

/** Options of placement and their defaults (contract/scheduler.md §1): the content of `scheduler.optionsFile`. */
export const placementOptionsSchema = z.strictObject({
  filters: z
    .array(z.enum(FILTER_NAMES))
    .default(['AvailabilityZoneFilter', 'CapacityFilter', 'CapabilitiesFilter'])
    .describe('Filters in the order in which they are asked (scheduler_default_filters)'),
  weighers: z
    .array(z.enum(WEIGHER_NAMES))
    .default(['CapacityWeigher'])
    .describe('Weighers whose weights are added up (scheduler_default_weighers)'),
  weightHandler: z
    .enum(['ordered', 'stochastic'])
    .default('ordered')
    .describe('The heaviest pool first, or a draw in proportion to the weights (scheduler_weight_handler)'),
  capacityWeightMultiplier: z.number().default(1).describe('Above 0 spreads by free capacity, below 0 stacks'),
  allocatedCapacityWeightMultiplier: z
    .number()
    .default(-1)
    .describe('Below 0 spreads by allocated capacity, above 0 stacks'),
  volumeNumberMultiplier: z.number().default(-1).describe('Below 0 spreads by number of volumes, above 0 stacks'),
  maxAttempts: z
    .int()
    .min(1)
    .default(3)
    .describe('Attempts to create a volume, the first included (scheduler_max_attempts)'),
  snapshotSameHost: z
    .boolean()
    .default(true)
    .describe('A volume from a snapshot stays on the pool of the snapshot (snapshot_same_host)'),
  storageAvailabilityZone: z.string().min(1).default('nova').describe('Zone where nothing else names one'),
  defaultAvailabilityZone: z.string().min(1).nullable().default(null).describe('Zone of a volume created without one'),
  allowAvailabilityZoneFallback: z
    .boolean()
    .default(false)
    .describe('An unknown zone falls back to the default instead of 400'),
  clonedVolumeSameAz: z.boolean().default(true).describe('A clone stays in the zone of its source'),
});
export type PlacementOptions = Readonly<z.output<typeof placementOptionsSchema>>;

/** Reads options, defaults filled in; throws a ZodError that names an unknown key, filter or weigher. */
export const parsePlacementOptions = (input: unknown): PlacementOptions => placementOptionsSchema.parse(input);

/** The default, and the two schedulers of old, which the original too keeps only as choices of weigher. */
export const PLACEMENT_PRESETS = {
  filter: parsePlacementOptions({}),
  chance: parsePlacementOptions({ weighers: ['ChanceWeigher'] }),
  simple: parsePlacementOptions({ weighers: ['AllocatedCapacityWeigher'] }),
} as const satisfies Record<string, PlacementOptions>;
