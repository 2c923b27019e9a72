import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fits, virtualFreeGiB } from '../../../src/domain/placement/capacity.ts';
import { choosePool } from '../../../src/domain/placement/choose-pool.ts';
import { evaluateExpression } from '../../../src/domain/placement/expression.ts';
import { matchesSpec } from '../../../src/domain/placement/extra-specs.ts';
import { FILTERS } from '../../../src/domain/placement/filters.ts';
import { answerQuery } from '../../../src/domain/placement/json-query.ts';
import { FILTER_NAMES, type PlacementOptions, WEIGHER_NAMES } from '../../../src/domain/placement/options.ts';
import type { PoolReport } from '../../../src/domain/placement/pool-report.ts';
import type { PlacementRequest } from '../../../src/domain/placement/request.ts';
import { normalizeWeights } from '../../../src/domain/placement/weighers.ts';
import { placementOptions, placementRequest, poolReport, typeWith } from './pools.ts';

const gib = fc.integer({ min: 0, max: 2_000 });
const capacity = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0, max: 2_000, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom('infinite' as const, 'unknown' as const) },
);
const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const report: fc.Arbitrary<PoolReport> = fc
  .record({
    pool: fc.nat({ max: 30 }).map((n) => `host${n % 5}@file#${n}`),
    availabilityZone: fc.constantFrom('nova', 'west'),
    totalCapacityGiB: capacity,
    freeCapacityGiB: capacity,
    allocatedCapacityGiB: gib,
    provisionedCapacityGiB: gib,
    provisionedAtReportGiB: gib,
    volumeCount: gib,
    reservedPercentage: fc.integer({ min: 0, max: 100 }),
    thinProvisioning: fc.boolean(),
    maxOverSubscriptionRatio: fc.oneof(fc.double({ min: 0.5, max: 30, noNaN: true }), fc.constant('auto' as const)),
    multiattach: fc.boolean(),
    storageProtocol: fc.constantFrom('file', 'FC'),
    filterFunction: fc.constantFrom(null, 'volume.size < 500', "stats.storage_protocol == 'fc'", '1/0'),
    goodnessFunction: fc.constantFrom(null, '100 - volume.size', 'stats.free_capacity_gb / 20', "'no'"),
  })
  .map(poolReport);

const reports = fc.uniqueArray(report, { selector: ({ pool }) => pool, maxLength: 12 });

const request: fc.Arbitrary<PlacementRequest> = fc
  .record({
    sizeGiB: gib,
    volumeType: fc.constantFrom(
      null,
      typeWith({}),
      typeWith({ multiattach: '<is> True', 'provisioning:type': 'thick' }),
    ),
    availabilityZones: fc.constantFrom([], ['nova'], ['west', 'nova']),
    resourceBackend: fc.constantFrom(null, 'host1@file', 'host2@file#7'),
    triedPools: fc.array(
      fc.nat({ max: 30 }).map((n) => `host${n % 5}@file#${n}`),
      { maxLength: 6 },
    ),
  })
  .map((changes) => placementRequest({ ...changes, volume: { size: changes.sizeGiB } }));

const options: fc.Arbitrary<PlacementOptions> = fc
  .record({
    filters: fc.subarray([...FILTER_NAMES]),
    weighers: fc.subarray([...WEIGHER_NAMES]),
    weightHandler: fc.constantFrom('ordered' as const, 'stochastic' as const),
    capacityWeightMultiplier: fc.constantFrom(1, -1, 0, 2.5),
  })
  .map(placementOptions);

describe('whatever is asked and whatever pools report', () => {
  it('the chosen pool passes every filter and is where the request is bound to', () => {
    fc.assert(
      fc.property(request, reports, options, fraction, (asked, pools, how, drawn) => {
        const choice = choosePool(asked, pools, how, () => drawn);
        if (choice.kind === 'refused') return;
        expect(choice.ranked[0]?.pool).toBe(choice.pool);
        for (const { pool } of choice.ranked) {
          const ranked = pools.find((candidate) => candidate.pool === pool);
          expect(ranked).toBeDefined();
          if (ranked === undefined) return;
          for (const filter of how.filters) expect(FILTERS[filter](ranked, asked)).toEqual({ passes: true });
          if (asked.resourceBackend !== null) expect(pool.startsWith(asked.resourceBackend)).toBe(true);
        }
      }),
    );
  });

  it('each pool is either ranked or refused with a reason, and none is both', () => {
    fc.assert(
      fc.property(request, reports, options, fraction, (asked, pools, how, drawn) => {
        const choice = choosePool(asked, pools, how, () => drawn);
        const ranked = choice.kind === 'chosen' ? choice.ranked.map(({ pool }) => pool) : [];
        const refused = choice.reasons.map(({ pool }) => pool);
        expect([...ranked, ...refused].toSorted()).toEqual(pools.map(({ pool }) => pool).toSorted());
        for (const { reason } of choice.reasons) expect(reason).not.toBe('');
      }),
    );
  });

  it('ordered weights never rise along the ranking, apart from tried pools, which come last', () => {
    fc.assert(
      fc.property(request, reports, options, fraction, (asked, pools, how, drawn) => {
        const choice = choosePool(asked, pools, { ...how, weightHandler: 'ordered' }, () => drawn);
        if (choice.kind === 'refused') return;
        const keys = choice.ranked.map(
          ({ pool, weight }) => [Number(asked.triedPools.includes(pool)), -weight] as const,
        );
        for (const [index, [tried, lightness]] of keys.slice(1).entries()) {
          const [triedBefore, lightnessBefore] = keys[index] ?? [0, 0];
          expect(tried).toBeGreaterThanOrEqual(triedBefore);
          if (tried === triedBefore) expect(lightness).toBeGreaterThanOrEqual(lightnessBefore);
        }
      }),
    );
  });

  it('pools of equal weight keep the order in which they came', () => {
    fc.assert(
      fc.property(reports, (pools) => {
        const choice = choosePool(placementRequest(), pools, placementOptions({ filters: [], weighers: [] }), () => 0);
        const ranked = choice.kind === 'chosen' ? choice.ranked.map(({ pool }) => pool) : [];
        expect(ranked).toEqual(pools.map(({ pool }) => pool));
      }),
    );
  });

  it('normalised weights lie between 0 and 1 and keep their order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 }), (weights) => {
        const normalised = normalizeWeights(weights);
        for (const [index, weight] of normalised.entries()) {
          expect(weight).toBeGreaterThanOrEqual(0);
          expect(weight).toBeLessThanOrEqual(1);
          for (const [other, otherWeight] of normalised.entries()) {
            if ((weights[index] ?? 0) < (weights[other] ?? 0)) expect(weight).toBeLessThanOrEqual(otherWeight);
          }
        }
      }),
    );
  });

  it('what fits leaves no less than nothing, and one GiB more than what is free never fits', () => {
    fc.assert(
      fc.property(report, fc.integer({ min: 1, max: 3_000 }), fc.constantFrom(null, 'thick'), (pool, sizeGiB, type) => {
        const free = virtualFreeGiB(pool, type);
        if (free === null) return;
        if (fits(pool, sizeGiB, type).fits) expect(free).toBeGreaterThanOrEqual(sizeGiB);
        expect(fits(pool, Math.max(1, Math.floor(free) + 1), type).fits).toBe(false);
      }),
    );
  });

  it('claiming what fits, again and again, never goes beyond what was free', () => {
    fc.assert(
      fc.property(
        report,
        fc.array(fc.integer({ min: 1, max: 300 })),
        fc.constantFrom(null, 'thick'),
        (pool, sizes, type) => {
          const start = { ...pool, provisionedCapacityGiB: pool.provisionedAtReportGiB };
          const free = virtualFreeGiB(start, type);
          if (free === null) return;
          let claimed = 0;
          for (const sizeGiB of sizes) {
            const now = { ...start, provisionedCapacityGiB: start.provisionedCapacityGiB + claimed };
            if (fits(now, sizeGiB, type).fits) claimed += sizeGiB;
          }
          // Figures are rounded to two decimals.
          if (claimed > 0) expect(claimed).toBeLessThanOrEqual(free + 0.01);
        },
      ),
    );
  });

  it('expressions, queries and extra specs answer any text without failing', () => {
    const source = fc.oneof(
      fc.string(),
      fc
        .array(
          fc.constantFrom(
            '1',
            '0',
            "'a'",
            'stats.x',
            'max',
            '(',
            ')',
            ',',
            '+',
            '-',
            '*',
            '/',
            '^',
            '<',
            '==',
            'and',
            'or',
            'not',
            '?',
            ':',
          ),
        )
        .map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(source, fc.json(), (text, json) => {
        expect(['value', 'error']).toContain(evaluateExpression(text, { stats: { x: 1 } }).kind);
        expect(['answer', 'error']).toContain(answerQuery(text, {}).kind);
        expect(['answer', 'error']).toContain(answerQuery(json, {}).kind);
        expect(typeof matchesSpec(json, text)).toBe('boolean');
      }),
    );
  });
});

describe('expressions against a second evaluator', () => {
  interface Tree {
    readonly text: string;
    readonly value: number;
  }
  const leaf: fc.Arbitrary<Tree> = fc.integer({ min: 0, max: 50 }).map((value) => ({ text: String(value), value }));
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.tuple(tie('tree'), fc.constantFrom('+', '-', '*'), tie('tree')).map(([left, operator, right]) => ({
        text: `(${left.text}) ${operator} (${right.text})`,
        value:
          operator === '+'
            ? left.value + right.value
            : operator === '-'
              ? left.value - right.value
              : left.value * right.value,
      })),
      tie('tree').map(({ text, value }) => ({ text: `-(${text})`, value: -value })),
      fc
        .tuple(tie('tree'), tie('tree'))
        .map(([a, b]) => ({ text: `max(${a.text}, ${b.text})`, value: Math.max(a.value, b.value) })),
      fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([a, b, c]) => ({
        text: `(${a.text}) < (${b.text}) ? (${c.text}) : (${a.text})`,
        value: a.value < b.value ? c.value : a.value,
      })),
    ),
  }));

  it('a tree written out gives the value of the tree', () => {
    fc.assert(
      fc.property(tree, ({ text, value }) => {
        fc.pre(text.length < 3_000);
        const evaluation = evaluateExpression(text, {});
        expect(evaluation.kind === 'value' ? Number(evaluation.value) + 0 : evaluation.reason).toBe(value + 0);
      }),
    );
  });
});
