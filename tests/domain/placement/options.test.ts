import { describe, expect, it } from 'vitest';
import {
  FILTER_NAMES,
  PLACEMENT_PRESETS,
  parsePlacementOptions,
  WEIGHER_NAMES,
} from '../../../src/domain/placement/options.ts';

describe('the options of placement', () => {
  it('have the defaults of the original', () => {
    expect(parsePlacementOptions({})).toEqual({
      filters: ['AvailabilityZoneFilter', 'CapacityFilter', 'CapabilitiesFilter'],
      weighers: ['CapacityWeigher'],
      weightHandler: 'ordered',
      capacityWeightMultiplier: 1,
      allocatedCapacityWeightMultiplier: -1,
      volumeNumberMultiplier: -1,
      maxAttempts: 3,
      snapshotSameHost: true,
      storageAvailabilityZone: 'nova',
      defaultAvailabilityZone: null,
      allowAvailabilityZoneFallback: false,
      clonedVolumeSameAz: true,
    });
  });

  it('take every filter and weigher by name', () => {
    const options = { filters: [...FILTER_NAMES], weighers: [...WEIGHER_NAMES], weightHandler: 'stochastic' };
    expect(parsePlacementOptions(options)).toMatchObject(options);
  });

  it.each<[string, unknown, string]>([
    ['an unknown filter', { filters: ['CapacityFilter', 'NoFilter'] }, 'filters'],
    ['an unknown weigher', { weighers: ['NoWeigher'] }, 'weighers'],
    ['an unknown weight handler', { weightHandler: 'NoHandler' }, 'weightHandler'],
    ['no attempt', { maxAttempts: 0 }, 'maxAttempts'],
    ['an unknown key', { filter: [] }, 'filter'],
  ])('refuse %s by name', (_, options, named) => {
    expect(() => parsePlacementOptions(options)).toThrow(named);
  });

  it('know the older schedulers as choices of weigher', () => {
    expect(PLACEMENT_PRESETS.chance).toEqual({ ...PLACEMENT_PRESETS.filter, weighers: ['ChanceWeigher'] });
    expect(PLACEMENT_PRESETS.simple).toEqual({ ...PLACEMENT_PRESETS.filter, weighers: ['AllocatedCapacityWeigher'] });
  });
});
