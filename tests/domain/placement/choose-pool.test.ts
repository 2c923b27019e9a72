import { describe, expect, it } from 'vitest';
import { choosePool, explainRefusal, filterPools, type PoolChoice } from '../../../src/domain/placement/index.ts';
import type { PlacementRequest, PoolRefusal } from '../../../src/domain/placement/request.ts';
import { noRandom, placementOptions, placementRequest, poolReport, typeWith } from './pools.ts';

const small = poolReport({ pool: 'alpha@file#small', freeCapacityGiB: 5 });
const medium = poolReport({ pool: 'alpha@file#medium', freeCapacityGiB: 20 });
const large = poolReport({ pool: 'beta@file#large', freeCapacityGiB: 90 });
const west = poolReport({ pool: 'gamma@file#west', availabilityZone: 'west' });
const all = [small, medium, large, west];

const choose = (changes: Partial<PlacementRequest> = {}, options = placementOptions()): PoolChoice =>
  choosePool(placementRequest({ availabilityZones: ['nova'], ...changes }), all, options, noRandom);

const poolsOf = (choice: PoolChoice): unknown =>
  choice.kind === 'chosen' ? choice.ranked.map(({ pool }) => pool) : choice;

const refusedBy = (choice: PoolChoice): unknown => choice.reasons.map(({ pool, filter }) => [pool, filter]);

describe('the choice of a pool', () => {
  it('takes the heaviest of those that pass, and says why the others did not', () => {
    const choice = choose();
    expect(choice).toMatchObject({
      kind: 'chosen',
      pool: 'beta@file#large',
      report: large,
      ranked: [
        { pool: 'beta@file#large', weight: 1 },
        { pool: 'alpha@file#medium', weight: 0 },
      ],
    });
    expect(refusedBy(choice)).toEqual([
      ['alpha@file#small', 'CapacityFilter'],
      ['gamma@file#west', 'AvailabilityZoneFilter'],
    ]);
  });

  it('refuses when none passes, naming for each the first filter that refused it', () => {
    const choice = choose({ sizeGiB: 95, volumeType: typeWith({ colour: 'red' }) });
    expect(choice.kind).toBe('refused');
    expect(refusedBy(choice)).toEqual([
      ['alpha@file#small', 'CapacityFilter'],
      ['alpha@file#medium', 'CapacityFilter'],
      ['beta@file#large', 'CapacityFilter'],
      ['gamma@file#west', 'AvailabilityZoneFilter'],
    ]);
    expect(choice.reasons[0]?.figures).toMatchObject({ requestedGiB: 95, virtualFreeGiB: 5 });
  });

  it('asks the filters in the order of the options', () => {
    const choice = choose(
      { sizeGiB: 101 },
      placementOptions({ filters: ['CapacityFilter', 'AvailabilityZoneFilter'] }),
    );
    expect(refusedBy(choice)).toContainEqual(['gamma@file#west', 'CapacityFilter']);
  });

  it('ignores hints of filters that are not asked', () => {
    expect(choose({ hints: { query: '["=", 1, 2]', same_host: 'nonsense', colour: 'red' } }).kind).toBe('chosen');
  });

  it('keeps to the pool that a request is bound to, whatever the weights', () => {
    const choice = choose({ resourceBackend: 'alpha@file#medium' });
    expect(poolsOf(choice)).toEqual(['alpha@file#medium']);
    expect(refusedBy(choice)).toContainEqual(['beta@file#large', 'ResourceBackend']);
  });

  it('keeps to any pool of the backend that a request is bound to', () => {
    expect(poolsOf(choose({ sizeGiB: 1, resourceBackend: 'alpha@file' }))).toEqual([
      'alpha@file#medium',
      'alpha@file#small',
    ]);
  });

  it('refuses when the pool that a request is bound to does not pass', () => {
    const choice = choose({ operation: 'extend', resourceBackend: 'alpha@file#small' });
    expect(choice.kind).toBe('refused');
    expect(refusedBy(choice)).toEqual([
      ['alpha@file#small', 'CapacityFilter'],
      ['gamma@file#west', 'AvailabilityZoneFilter'],
      ['alpha@file#medium', 'ResourceBackend'],
      ['beta@file#large', 'ResourceBackend'],
    ]);
  });

  it('tries pools again only when there is no other', () => {
    expect(poolsOf(choose({ triedPools: ['beta@file#large'] }))).toEqual(['alpha@file#medium', 'beta@file#large']);
    expect(poolsOf(choose({ triedPools: ['beta@file#large', 'alpha@file#medium'] }))).toEqual([
      'beta@file#large',
      'alpha@file#medium',
    ]);
  });

  it('never tries a pool again with the retry filter', () => {
    const choice = choose(
      { triedPools: ['beta@file#large'] },
      placementOptions({ filters: ['AvailabilityZoneFilter', 'CapacityFilter', 'RetryFilter'] }),
    );
    expect(poolsOf(choice)).toEqual(['alpha@file#medium']);
    expect(refusedBy(choice)).toContainEqual(['beta@file#large', 'RetryFilter']);
  });

  it('names pools that may not be used at all', () => {
    const choice = choosePool(
      placementRequest({ unusablePools: [{ pool: 'delta@file#one', reason: 'its service is down' }] }),
      [],
      placementOptions(),
      noRandom,
    );
    expect(choice).toEqual({
      kind: 'refused',
      reasons: [{ pool: 'delta@file#one', filter: 'ServiceState', reason: 'its service is down', figures: {} }],
    });
  });

  it('refuses without reasons where there is no pool', () => {
    expect(choosePool(placementRequest(), [], placementOptions(), noRandom)).toEqual({ kind: 'refused', reasons: [] });
  });
});

describe('filtering alone', () => {
  it('tells which pools a type may use, without a size', () => {
    const request = placementRequest({ sizeGiB: 0, volumeType: typeWith({ volume_backend_name: 'fast' }) });
    const fast = poolReport({ pool: 'alpha@fast#one', backendName: 'fast', freeCapacityGiB: 0 });
    const { passing, reasons } = filterPools(request, [fast, large], placementOptions());
    expect(passing).toEqual([fast]);
    expect(reasons.map(({ pool }) => pool)).toEqual(['beta@file#large']);
  });
});

describe('a refusal in words', () => {
  const refusal = (pool: string): PoolRefusal => ({
    pool,
    filter: 'CapacityFilter',
    reason: 'it is full',
    figures: {},
  });

  it('names each pool, its filter and the reason', () => {
    expect(
      explainRefusal([
        refusal('a@b#c'),
        { ...refusal('d@e#f'), filter: 'RetryFilter', reason: 'it was tried already' },
      ]),
    ).toBe('a@b#c: it is full (CapacityFilter); d@e#f: it was tried already (RetryFilter).');
  });

  it('says that there is no pool', () => {
    expect(explainRefusal([])).toBe('No storage pool is known.');
  });

  it('counts what is beyond twenty pools', () => {
    const explained = explainRefusal(Array.from({ length: 23 }, (_, index) => refusal(`p${index}`)));
    expect(explained).toContain('p19: it is full (CapacityFilter); and 3 more pools.');
    expect(explained).not.toContain('p20');
    expect(explainRefusal(Array.from({ length: 20 }, (_, index) => refusal(`p${index}`)))).not.toContain('more');
  });
});
