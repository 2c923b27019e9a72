import { describe, expect, it } from 'vitest';
import {
  fits,
  freeSinceReportGiB,
  overSubscriptionRatio,
  virtualFreeGiB,
} from '../../../src/domain/placement/capacity.ts';
import type { PoolReport } from '../../../src/domain/placement/pool-report.ts';
import { poolReport } from './pools.ts';

const thin = (changes: Partial<PoolReport> = {}): PoolReport => poolReport({ thinProvisioning: true, ...changes });

describe('the over-subscription ratio', () => {
  it.each<[string, PoolReport, number]>([
    ['is 1 where thin provisioning is not supported', poolReport({ maxOverSubscriptionRatio: 7 }), 1],
    ['is 1 where the total is infinite', thin({ totalCapacityGiB: 'infinite', maxOverSubscriptionRatio: 7 }), 1],
    ['is 1 where free space is unknown', thin({ freeCapacityGiB: 'unknown', maxOverSubscriptionRatio: 7 }), 1],
    ['is what the pool states', thin({ maxOverSubscriptionRatio: 7.5 }), 7.5],
    ['auto: 20 while nothing is provisioned', thin({ maxOverSubscriptionRatio: 'auto' }), 20],
    [
      'auto: one more than provisioned by used space',
      thin({ maxOverSubscriptionRatio: 'auto', freeCapacityGiB: 61, provisionedAtReportGiB: 80 }),
      3,
    ],
    [
      'auto: what was claimed since the report does not move it',
      thin({
        maxOverSubscriptionRatio: 'auto',
        freeCapacityGiB: 61,
        provisionedAtReportGiB: 80,
        provisionedCapacityGiB: 500,
      }),
      3,
    ],
  ])('%s', (_, report, ratio) => {
    expect(overSubscriptionRatio(report)).toBe(ratio);
  });
});

describe('free space since the report', () => {
  it.each<[string, Partial<PoolReport>, number | string]>([
    [
      'is what was reported while nothing was claimed',
      { freeCapacityGiB: 40, provisionedCapacityGiB: 5, provisionedAtReportGiB: 5 },
      40,
    ],
    [
      'is less what was claimed since',
      { freeCapacityGiB: 40, provisionedCapacityGiB: 12, provisionedAtReportGiB: 5 },
      33,
    ],
    [
      'does not grow by what was given back since',
      { freeCapacityGiB: 40, provisionedCapacityGiB: 1, provisionedAtReportGiB: 5 },
      40,
    ],
    ['stays infinite', { freeCapacityGiB: 'infinite', provisionedCapacityGiB: 12 }, 'infinite'],
  ])('%s', (_, changes, expected) => {
    expect(freeSinceReportGiB(poolReport(changes))).toBe(expected);
  });
});

describe('virtual free space', () => {
  it.each<[string, PoolReport, string | null, number | null]>([
    ['thick: the measured free space where that is less', poolReport({ freeCapacityGiB: 30 }), null, 30],
    [
      'thick: total less reserved less provisioned where that is less',
      poolReport({ reservedPercentage: 10, provisionedCapacityGiB: 50, provisionedAtReportGiB: 50 }),
      null,
      40,
    ],
    [
      'thin: total times ratio less provisioned',
      thin({ maxOverSubscriptionRatio: 2, provisionedCapacityGiB: 50 }),
      null,
      150,
    ],
    ['thin: measured free space plays no part', thin({ maxOverSubscriptionRatio: 2, freeCapacityGiB: 1 }), null, 200],
    [
      'thin: the reserved part is taken off before the ratio',
      thin({ maxOverSubscriptionRatio: 2, reservedPercentage: 25 }),
      null,
      150,
    ],
    [
      'a thin pool is thick for a type that says so',
      thin({ maxOverSubscriptionRatio: 2, freeCapacityGiB: 30 }),
      'thick',
      30,
    ],
    ['a thin pool stays thin for any other word', thin({ maxOverSubscriptionRatio: 2 }), 'thin', 200],
    [
      'the reserved part is rounded down to whole GiB',
      poolReport({ totalCapacityGiB: 99, freeCapacityGiB: 99, reservedPercentage: 10 }),
      null,
      90,
    ],
    ['is rounded to two decimals', poolReport({ freeCapacityGiB: 10.12678 }), null, 10.13],
    ['is no number where the total is unknown', poolReport({ totalCapacityGiB: 'unknown' }), null, null],
    ['is no number where free space is infinite', poolReport({ freeCapacityGiB: 'infinite' }), null, null],
  ])('%s', (_, report, provisioningType, expected) => {
    expect(virtualFreeGiB(report, provisioningType)).toBe(expected);
  });
});

describe('whether a request fits', () => {
  it.each<[string, PoolReport, number, string | null]>([
    ['nothing asked for always fits', poolReport({ totalCapacityGiB: 0, freeCapacityGiB: 0 }), 0, null],
    ['free space is infinite', poolReport({ freeCapacityGiB: 'infinite', totalCapacityGiB: 0 }), 10, null],
    ['free space is unknown', poolReport({ freeCapacityGiB: 'unknown', totalCapacityGiB: 0 }), 10, null],
    [
      'the total is unknown and nothing is reserved',
      poolReport({ totalCapacityGiB: 'unknown', freeCapacityGiB: 1 }),
      10,
      null,
    ],
    ['a thick request takes the last GiB', poolReport({ freeCapacityGiB: 10 }), 10, null],
    [
      'a thin request takes the last GiB',
      thin({ totalCapacityGiB: 5, freeCapacityGiB: 0, maxOverSubscriptionRatio: 2 }),
      10,
      null,
    ],
    ['a ratio below 1 does not matter to a thick request', thin({ maxOverSubscriptionRatio: 0.5 }), 10, 'thick'],
  ])('it does: %s', (_, report, requestedGiB, provisioningType) => {
    expect(fits(report, requestedGiB, provisioningType)).toEqual({ fits: true });
  });

  it.each<[string, PoolReport, number, string | null, string, Record<string, unknown>]>([
    [
      'the total is infinite and a part of it reserved',
      poolReport({ totalCapacityGiB: 'infinite', reservedPercentage: 5 }),
      10,
      null,
      '5% of its capacity is reserved, but its total is infinite',
      { requestedGiB: 10, totalGiB: 'infinite', reservedPercentage: 5 },
    ],
    [
      'the total is nothing',
      poolReport({ totalCapacityGiB: 0, freeCapacityGiB: 0 }),
      10,
      null,
      'its total capacity is 0 GiB',
      { requestedGiB: 10, totalGiB: 0 },
    ],
    [
      'a thin pool states a ratio below 1',
      thin({ maxOverSubscriptionRatio: 0.5 }),
      10,
      null,
      'its over-subscription ratio 0.5 is below 1',
      { requestedGiB: 10, overSubscriptionRatio: 0.5 },
    ],
    [
      'a thick request is one GiB too large',
      poolReport({ freeCapacityGiB: 12, provisionedCapacityGiB: 3, reservedPercentage: 10 }),
      10,
      null,
      '10 GiB requested, 9 GiB free of 100 GiB (thick, 3 GiB provisioned, 10% reserved)',
      { requestedGiB: 10, virtualFreeGiB: 9, totalGiB: 100, freeGiB: 9, provisionedGiB: 3, reservedGiB: 10 },
    ],
    [
      'a thin request is one GiB too large',
      thin({ totalCapacityGiB: 10, freeCapacityGiB: 10, maxOverSubscriptionRatio: 1.5, provisionedCapacityGiB: 6 }),
      10,
      null,
      '10 GiB requested, 9 GiB free of 10 GiB (thin, over-subscription ratio 1.5, 6 GiB provisioned, 0% reserved)',
      {
        requestedGiB: 10,
        virtualFreeGiB: 9,
        totalGiB: 10,
        freeGiB: 4,
        provisionedGiB: 6,
        reservedGiB: 0,
        overSubscriptionRatio: 1.5,
      },
    ],
    [
      'a type that is thick asks a thin pool for more than was measured free',
      thin({ freeCapacityGiB: 9 }),
      10,
      'thick',
      '10 GiB requested, 9 GiB free of 100 GiB (thick, 0 GiB provisioned, 0% reserved)',
      { requestedGiB: 10, virtualFreeGiB: 9, totalGiB: 100, freeGiB: 9, provisionedGiB: 0, reservedGiB: 0 },
    ],
  ])('it does not: %s', (_, report, requestedGiB, provisioningType, reason, figures) => {
    expect(fits(report, requestedGiB, provisioningType)).toEqual({ fits: false, reason, figures });
  });
});
