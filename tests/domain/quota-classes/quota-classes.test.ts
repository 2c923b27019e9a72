import { describe, expect, it } from 'vitest';
import { DEFAULT_QUOTA_CLASS, limitsOfClass, quotaClasses } from '../../../src/domain/quota-classes/index.ts';
import { givenDecider } from '../given-when-then.ts';

const given = (...limits: readonly Record<string, number>[]) =>
  givenDecider(quotaClasses.decider).given(
    ...limits.map((each) => ({
      type: 'QuotaClassLimitsSet' as const,
      data: { className: DEFAULT_QUOTA_CLASS, limits: each },
    })),
  );

const set = (limits: Record<string, number>, className = DEFAULT_QUOTA_CLASS) => ({
  type: 'SetQuotaClassLimits' as const,
  className,
  limits,
});

describe('the limits of a quota class', () => {
  it('are merged into those it has, and the event holds the whole', () => {
    given({ volumes: 20, snapshots: 5 })
      .when(set({ volumes: 30, gigabytes: -1 }))
      .then({
        type: 'QuotaClassLimitsSet',
        data: { className: 'default', limits: { volumes: 30, snapshots: 5, gigabytes: -1 } },
      });
  });

  it('of one class are not those of another', () => {
    given({ volumes: 20 })
      .when(set({ snapshots: 1 }, 'gold'))
      .then({ type: 'QuotaClassLimitsSet', data: { className: 'gold', limits: { snapshots: 1 } } });
    expect(limitsOfClass(given({ volumes: 20 }).state, 'gold')).toEqual({});
    expect(limitsOfClass(given({ volumes: 10 }, { volumes: 20 }).state, 'default')).toEqual({ volumes: 20 });
  });

  it('that are so already change nothing', () => {
    given({ volumes: 20, snapshots: 5 })
      .when(set({ volumes: 20 }))
      .thenNothing();
    given().when(set({})).thenNothing();
  });

  it.each([[-2], [1.5], [2_147_483_648], [Number.NaN]])('refuse %d', (limit) => {
    given()
      .when(set({ snapshots: 1, volumes: limit }))
      .thenRejected('InvalidQuota', 'volumes must be an integer from -1');
  });

  it.each([[-1], [0], [2_147_483_647]])('take %d', (limit) => {
    given()
      .when(set({ volumes: limit }))
      .thenTypes('QuotaClassLimitsSet');
  });
});
