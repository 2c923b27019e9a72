import { describe, expect, it } from 'vitest';
import type { PlacementOptions } from '../../../src/domain/placement/options.ts';
import type { PoolReport } from '../../../src/domain/placement/pool-report.ts';
import { normalizeWeights, weighPools } from '../../../src/domain/placement/weighers.ts';
import { noRandom, placementOptions, placementRequest, poolReport, typeWith } from './pools.ts';

const pools = (...changes: readonly Partial<PoolReport>[]): readonly PoolReport[] =>
  changes.map((change, index) => poolReport({ pool: `p${index}`, ...change }));

const weigh = (reports: readonly PoolReport[], options: Partial<PlacementOptions>, random = noRandom) =>
  weighPools(reports, placementRequest(), placementOptions(options), random).map(({ report, weight }) => [
    report.pool,
    weight,
  ]);

const draws = (...values: readonly number[]): (() => number) => {
  const left = [...values];
  return () => left.shift() ?? noRandom();
};

describe('normalisation', () => {
  it.each<[readonly number[], readonly number[]]>([
    [[], []],
    [[5], [0]],
    [
      [5, 5, 5],
      [0, 0, 0],
    ],
    [
      [10, 20, 15],
      [0, 1, 0.5],
    ],
    [
      [-1, 3],
      [0, 1],
    ],
  ])('%j becomes %j', (weights, expected) => {
    expect(normalizeWeights(weights)).toEqual(expected);
  });
});

describe('the capacity weigher', () => {
  const one = pools({ freeCapacityGiB: 10 }, { freeCapacityGiB: 30 }, { freeCapacityGiB: 20 });

  it('prefers the most virtual free space', () => {
    expect(weigh(one, {})).toEqual([
      ['p1', 1],
      ['p2', 0.5],
      ['p0', 0],
    ]);
  });

  it('stacks with a negative multiplier', () => {
    expect(weigh(one, { capacityWeightMultiplier: -2 })).toEqual([
      ['p0', 0],
      ['p2', -1],
      ['p1', -2],
    ]);
  });

  it('counts a thin pool by its over-subscription unless the type is thick', () => {
    const reports = pools({ freeCapacityGiB: 50 }, { freeCapacityGiB: 10, thinProvisioning: true });
    expect(weigh(reports, {})[0]?.[0]).toBe('p1');
    const thick = placementRequest({ volumeType: typeWith({ 'provisioning:type': 'thick' }) });
    expect(weighPools(reports, thick, placementOptions(), noRandom)[0]?.report.pool).toBe('p0');
  });

  it('puts a pool that states no capacity behind the others when free space attracts', () => {
    const reports = pools(
      { freeCapacityGiB: 'infinite' },
      { freeCapacityGiB: 10 },
      { totalCapacityGiB: 'unknown' },
      { freeCapacityGiB: 20 },
    );
    expect(weigh(reports, {}).map(([pool]) => pool)).toEqual(['p3', 'p1', 'p0', 'p2']);
  });

  it('puts it behind the others too when free space repels: a hundred spreads beyond the largest', () => {
    const reports = pools({ freeCapacityGiB: 'infinite' }, { freeCapacityGiB: 10 }, { freeCapacityGiB: 20 });
    expect(weigh(reports, { capacityWeightMultiplier: -1 })).toEqual([
      ['p1', 0],
      ['p2', -10 / 1010],
      ['p0', -1],
    ]);
  });

  it('stands it 10,000 beyond where the others are equal', () => {
    const reports = pools({ freeCapacityGiB: 'unknown' }, { freeCapacityGiB: 10 }, { freeCapacityGiB: 10 });
    const options = { capacityWeightMultiplier: -1, weightHandler: 'stochastic' } as const;
    expect(weigh(reports, options, draws(0))).toEqual([
      ['p0', -10_010],
      ['p1', -10],
      ['p2', -10],
    ]);
  });

  it.each([[1], [-1], [0]])(
    'makes nothing of pools that all state no capacity (multiplier %d)',
    (capacityWeightMultiplier) => {
      const reports = pools({ freeCapacityGiB: 'unknown' }, { totalCapacityGiB: 'infinite' });
      expect(
        weigh(reports, { capacityWeightMultiplier }).map(([pool, weight]) => [pool, Math.abs(Number(weight))]),
      ).toEqual([
        ['p0', 0],
        ['p1', 0],
      ]);
    },
  );
});

describe('the other weighers', () => {
  it('allocated capacity: the least allocated first, or the most with a positive multiplier', () => {
    const reports = pools({ allocatedCapacityGiB: 30 }, { allocatedCapacityGiB: 10 }, { allocatedCapacityGiB: 20 });
    const weighers = ['AllocatedCapacityWeigher'] as const;
    expect(weigh(reports, { weighers: [...weighers] }).map(([pool]) => pool)).toEqual(['p1', 'p2', 'p0']);
    expect(weigh(reports, { weighers: [...weighers], allocatedCapacityWeightMultiplier: 1 })[0]).toEqual(['p0', 1]);
  });

  it('volume number: the fewest first, or the most with a positive multiplier', () => {
    const reports = pools({ volumeCount: 3 }, { volumeCount: 1 }, { volumeCount: 2 });
    expect(weigh(reports, { weighers: ['VolumeNumberWeigher'] }).map(([pool]) => pool)).toEqual(['p1', 'p2', 'p0']);
    expect(weigh(reports, { weighers: ['VolumeNumberWeigher'], volumeNumberMultiplier: 3 })[0]).toEqual(['p0', 3]);
  });

  it('chance: one draw for each pool', () => {
    expect(weigh(pools({}, {}, {}), { weighers: ['ChanceWeigher'] }, draws(0.25, 0.75, 0.5))).toEqual([
      ['p1', 1],
      ['p2', 0.5],
      ['p0', 0],
    ]);
  });

  it.each<[string, Partial<PoolReport>, number]>([
    ['there is no function', {}, 0],
    ['a number from 0 to 100', { goodnessFunction: '(volume.size < 5) * 42' }, 42],
    ['100', { goodnessFunction: '100' }, 100],
    ['true', { goodnessFunction: 'volume.size < 5' }, 100],
    ['false', { goodnessFunction: 'volume.size > 5' }, 0],
    ['an error', { goodnessFunction: '1 / 0' }, 0],
    ['above 100', { goodnessFunction: '101' }, 0],
    ['below 0', { goodnessFunction: '0 - 1' }, 0],
    ['a text', { goodnessFunction: "'good'" }, 0],
    ['the names of clusters are unknown to it', { goodnessFunction: "backend_id == 1 or stats.backend_id == 'p0'" }, 0],
    [
      'the best spelling of the protocol',
      { goodnessFunction: "stats.storage_protocol == 'fc' ? 80 : 30", storageProtocol: 'FC' },
      80,
    ],
  ])('goodness: %s', (_, changes, rating) => {
    const request = placementRequest({ volume: { size: 4 } });
    const options = placementOptions({ weighers: ['GoodnessWeigher'], weightHandler: 'stochastic' });
    const weighed = weighPools(pools(changes), request, options, draws(0));
    expect(weighed.map(({ weight }) => weight)).toEqual([rating]);
  });

  it('adds up the normalised weights of several', () => {
    const reports = pools(
      { freeCapacityGiB: 10, volumeCount: 0 },
      { freeCapacityGiB: 30, volumeCount: 9 },
      { freeCapacityGiB: 20, volumeCount: 3 },
    );
    const weighed = weigh(reports, {
      weighers: ['CapacityWeigher', 'VolumeNumberWeigher'],
      volumeNumberMultiplier: -3,
    });
    expect(weighed.map(([pool]) => pool)).toEqual(['p0', 'p2', 'p1']);
    expect(weighed.map(([, weight]) => weight)).toEqual([0, -0.5, -2]);
  });

  it('keeps the order of equals, and the first wins', () => {
    expect(weigh(pools({}, {}, {}), {})).toEqual([
      ['p0', 0],
      ['p1', 0],
      ['p2', 0],
    ]);
    expect(weigh(pools({}, {}), { weighers: [] }).map(([pool]) => pool)).toEqual(['p0', 'p1']);
  });

  it('weighs nothing where there is nothing', () => {
    expect(weigh([], {})).toEqual([]);
    expect(weigh([], { weightHandler: 'stochastic' }, draws(0.5))).toEqual([]);
  });
});

describe('the stochastic weight handler', () => {
  const reports = pools({ freeCapacityGiB: 10 }, { freeCapacityGiB: 60 }, { freeCapacityGiB: 30 });

  it.each<[number, readonly string[]]>([
    [0, ['p0', 'p1', 'p2']],
    [0.0999, ['p0', 'p1', 'p2']],
    [0.1, ['p1', 'p2', 'p0']],
    [0.6999, ['p1', 'p2', 'p0']],
    [0.7, ['p2', 'p0', 'p1']],
    [0.9999, ['p2', 'p0', 'p1']],
  ])('a draw of %d gives %j: a share of the total for each, the rest rotated', (drawn, order) => {
    expect(weigh(reports, { weightHandler: 'stochastic' }, draws(drawn)).map(([pool]) => pool)).toEqual(order);
  });

  it('does not normalise', () => {
    expect(weigh(reports, { weightHandler: 'stochastic' }, draws(0))).toEqual([
      ['p0', 10],
      ['p1', 60],
      ['p2', 30],
    ]);
  });

  it('takes the first where all weights are nothing', () => {
    const empty = pools({ freeCapacityGiB: 0 }, { freeCapacityGiB: 0 });
    expect(weigh(empty, { weightHandler: 'stochastic' }, draws(0.9)).map(([pool]) => pool)).toEqual(['p0', 'p1']);
  });
});
