import { describe, expect, it } from 'vitest';
import { MAX_INT } from '../../../src/domain/kernel/units.ts';
import {
  amountsOfGrowth,
  amountsOfSnapshot,
  amountsOfTransfer,
  amountsOfVolume,
  closeQuotaBooks,
  endingOf,
  limitOf,
  type QuotaCommand,
  type QuotaDefaults,
  type QuotaEvent,
  quotaDecider,
  quotaEvents,
  reservedOf,
  resourceName,
} from '../../../src/domain/quota/index.ts';
import { givenDecider } from '../given-when-then.ts';

const projectId = 'p1';
const defaults: QuotaDefaults = {
  limits: { volumes: 10, gigabytes: 1000, snapshots: 10, per_volume_gigabytes: -1 },
  typeNames: { t1: 'fast' },
};
const given = givenDecider(quotaDecider).given;

const limits = (own: Record<string, number>): QuotaEvent => ({
  type: 'QuotaLimitsSet',
  data: { projectId, limits: own },
});
const charged = (operationId: string, amounts: Record<string, number>, reserved = false): QuotaEvent => ({
  type: 'QuotaCharged',
  data: { projectId, operationId, amounts, landsIn: `volume-${operationId}`, reserved },
});
const settled = (operationId: string): QuotaEvent => ({ type: 'QuotaSettled', data: { projectId, operationId } });
const returned = (operationId: string, amounts: Record<string, number>): QuotaEvent => ({
  type: 'QuotaReturned',
  data: { projectId, operationId, amounts, reason: 'gone' },
});
const charge = (
  operationId: string,
  amounts: Record<string, number>,
  more: Partial<Extract<QuotaCommand, { type: 'ChargeQuota' }>> = {},
): QuotaCommand => ({
  type: 'ChargeQuota',
  projectId,
  operationId,
  amounts,
  volumeSizeGiB: null,
  landsIn: `volume-${operationId}`,
  reserved: false,
  defaults,
  resource: 'volume',
  ...more,
});
const giveBack = (operationId: string, amounts: 'charge' | Record<string, number>): QuotaCommand => ({
  type: 'ReturnQuota',
  projectId,
  operationId,
  amounts,
  reason: 'gone',
});
const setLimits = (own: Record<string, number>): QuotaCommand => ({
  type: 'SetQuotaLimits',
  projectId,
  limits: own,
  typeNames: defaults.typeNames,
});

describe('amounts', () => {
  it('count a volume, a snapshot, a growth and a transfer plainly and by the type’s id', () => {
    expect(amountsOfVolume(3, 't1')).toEqual({ volumes: 1, gigabytes: 3, 'volumes:t1': 1, 'gigabytes:t1': 3 });
    expect(amountsOfSnapshot(3, 't1')).toEqual({ snapshots: 1, gigabytes: 3, 'snapshots:t1': 1, 'gigabytes:t1': 3 });
    expect(amountsOfGrowth(2, 't1')).toEqual({ gigabytes: 2, 'gigabytes:t1': 2 });
    expect(amountsOfTransfer({ sizeGiB: 3, snapshotsGiB: 4, snapshots: 2, volumeTypeId: 't1' })).toEqual({
      volumes: 1,
      gigabytes: 7,
      snapshots: 2,
      'volumes:t1': 1,
      'gigabytes:t1': 7,
      'snapshots:t1': 2,
    });
  });

  it('leave the snapshots out of a transfer that takes none along', () => {
    const amounts = amountsOfTransfer({ sizeGiB: 3, snapshotsGiB: 0, snapshots: 0, volumeTypeId: 't1' });
    expect(Object.keys(amounts).filter((key) => key.startsWith('snapshots'))).toEqual([]);
  });

  it('name per-type resources by the type’s name, and by its id when the type is gone', () => {
    expect(resourceName('gigabytes', {})).toBe('gigabytes');
    expect(resourceName('gigabytes:t1', { t1: 'a:b' })).toBe('gigabytes_a:b');
    expect(resourceName('gigabytes:t1', {})).toBe('gigabytes_t1');
  });
});

describe('charging a project', () => {
  it('records the charge and the stream that the request lands in', () => {
    given()
      .when(charge('op', amountsOfVolume(5, 't1')))
      .then(charged('op', amountsOfVolume(5, 't1')));
  });

  it('takes what is exactly left', () => {
    given(charged('a', { volumes: 9, gigabytes: 995 }))
      .when(charge('op', amountsOfVolume(5, 't1')))
      .thenTypes('QuotaCharged');
  });

  it('does nothing when the same operation is under way or has settled', () => {
    given(charged('op', { volumes: 1 }))
      .when(charge('op', { volumes: 1 }))
      .thenNothing();
    given(charged('op', { volumes: 1 }), settled('op'))
      .when(charge('op', { volumes: 1 }))
      .thenNothing();
  });

  it('charges again an operation whose charge was given back, which then is under way once more', () => {
    const history = [charged('op', { volumes: 1 }), returned('op', { volumes: 1 })];
    given(...history)
      .when(charge('op', { volumes: 1 }))
      .thenState((ledger) => {
        expect(ledger.charged).toEqual({ volumes: 1 });
        expect(endingOf(ledger, 'op')).toBeUndefined();
      });
  });

  it('refuses more volumes than allowed, naming the limit', () => {
    given(charged('a', { volumes: 10 }))
      .when(charge('op', amountsOfVolume(1, 't1')))
      .thenRejected(
        'VolumeLimitExceeded',
        "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.",
      );
  });

  it('refuses more volumes of a type than allowed, naming the type', () => {
    given(limits({ 'volumes:t1': 0 }))
      .when(charge('op', amountsOfVolume(1, 't1')))
      .thenRejected('VolumeLimitExceeded', "allowed (0) exceeded for quota 'volumes_fast'");
  });

  it('refuses more snapshots than allowed', () => {
    given(charged('a', { snapshots: 10 }))
      .when(charge('op', amountsOfSnapshot(1, 't1'), { resource: 'snapshot' }))
      .thenRejected('SnapshotLimitExceeded', 'Maximum number of snapshots allowed (10) exceeded');
  });

  it('names the alphabetically first of several resources that are over', () => {
    given(charged('a', { volumes: 10, gigabytes: 900 }), limits({ 'gigabytes:t1': 1 }))
      .when(charge('op', amountsOfVolume(200, 't1')))
      .thenRejected(
        'VolumeSizeExceedsAvailableQuota',
        'VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. ' +
          'Requested 200G, quota is 1000G and 900G has been consumed.',
      );
    given(charged('a', { volumes: 10 }), limits({ 'gigabytes:t1': 1 }))
      .when(charge('op', amountsOfVolume(200, 't1')))
      .thenRejected('VolumeSizeExceedsAvailableQuota', 'gigabytes_fast quota. Requested 200G, quota is 1G and 0G');
  });

  it('checks the size of one volume first', () => {
    given(charged('a', { volumes: 10 }), limits({ per_volume_gigabytes: 4 }))
      .when(charge('op', amountsOfVolume(5, 't1'), { volumeSizeGiB: 5 }))
      .thenRejected('VolumeSizeExceedsLimit', 'Requested volume size 5G is larger than maximum allowed limit 4G.');
    given(limits({ per_volume_gigabytes: 5 }))
      .when(charge('op', amountsOfVolume(5, 't1'), { volumeSizeGiB: 5 }))
      .thenTypes('QuotaCharged');
    given()
      .when(charge('op', amountsOfVolume(5, 't1'), { volumeSizeGiB: 5 }))
      .thenTypes('QuotaCharged');
  });

  it('shows the plain gigabytes of an extension even when only those of the type ran out', () => {
    const growth = { resource: 'growth', reserved: true } as const;
    given(limits({ 'gigabytes:t1': 1 }), charged('a', { gigabytes: 7 }))
      .when(charge('op', amountsOfGrowth(2, 't1'), growth))
      .thenRejected('VolumeSizeExceedsAvailableQuota', 'gigabytes quota. Requested 2G, quota is 1000G and 7G');
    given(limits({ gigabytes: 1 }))
      .when(charge('op', amountsOfGrowth(2, 't1'), growth))
      .thenRejected('VolumeSizeExceedsAvailableQuota', 'gigabytes quota. Requested 2G, quota is 1G and 0G');
  });

  it('lets the project’s own limit win over the default, and -1 lift it', () => {
    given(limits({ volumes: 1 }), charged('a', { volumes: 1 }))
      .when(charge('op', { volumes: 1 }))
      .thenRejected('VolumeLimitExceeded', '(1)');
    given(limits({ volumes: -1 }), charged('a', { volumes: 10 }))
      .when(charge('op', { volumes: 1 }))
      .thenTypes('QuotaCharged');
    expect(limitOf({}, defaults, 'volumes')).toBe(10);
    expect(limitOf({}, defaults, 'volumes:t1')).toBe(-1);
  });

  it('refuses a zero amount of what is over already', () => {
    given(charged('a', { gigabytes: 5 }), limits({ gigabytes: 4 }))
      .when(charge('op', { volumes: 1, gigabytes: 0 }))
      .thenRejected('VolumeSizeExceedsAvailableQuota');
  });

  it('refuses what the largest number of the API cannot hold, even without a limit', () => {
    given(limits({ gigabytes: -1 }), charged('a', { gigabytes: MAX_INT }))
      .when(charge('op', { gigabytes: 1 }))
      .thenRejected('VolumeSizeExceedsAvailableQuota', String(MAX_INT));
  });
});

describe('ending a charge', () => {
  it('settles it once: it stays charged and is reserved no longer', () => {
    given(charged('op', { gigabytes: 2 }, true))
      .when({ type: 'SettleCharge', projectId, operationId: 'op' })
      .then(settled('op'));
    given(charged('op', { gigabytes: 2 }, true), settled('op'))
      .when({ type: 'SettleCharge', projectId, operationId: 'op' })
      .thenNothing();
    given().when({ type: 'SettleCharge', projectId, operationId: 'op' }).thenNothing();
    expect(given(charged('op', { gigabytes: 2 }, true), settled('op')).state.charged).toEqual({ gigabytes: 2 });
  });

  it('returns what it holds, once', () => {
    given(charged('op', { gigabytes: 2 }))
      .when(giveBack('op', 'charge'))
      .then(returned('op', { gigabytes: 2 }));
    given(charged('op', { gigabytes: 2 }), returned('op', { gigabytes: 2 }))
      .when(giveBack('op', 'charge'))
      .thenNothing();
    given().when(giveBack('op', 'charge')).thenNothing();
  });

  it('does not return the charge of an operation that settled', () => {
    given(charged('op', { gigabytes: 2 }), settled('op'))
      .when(giveBack('op', 'charge'))
      .thenNothing();
  });

  it('returns what a deletion freed, once, and never more than is charged', () => {
    const live = [charged('op', { volumes: 1, gigabytes: 2 }), settled('op')];
    given(...live)
      .when(giveBack('deletion', { volumes: 1, gigabytes: 2 }))
      .then(returned('deletion', { volumes: 1, gigabytes: 2 }));
    given(...live, returned('deletion', { volumes: 1, gigabytes: 2 }))
      .when(giveBack('deletion', { volumes: 1, gigabytes: 2 }))
      .thenNothing();
    given(...live)
      .when(giveBack('deletion', { gigabytes: 3, snapshots: 1 }))
      .then(returned('deletion', { gigabytes: 2, snapshots: 0 }));
  });

  it.each([
    ['settled first', ['SettleCharge', 'ReturnQuota']],
    ['returned first', ['ReturnQuota', 'SettleCharge']],
  ] as const)('leaves a project that accepts its own volume as it was, %s', (_, order) => {
    const before = [charged('create', { volumes: 1 }), settled('create'), charged('transfer', { volumes: 1 }, true)];
    let { state } = given(...before);
    for (const type of [...order, ...order]) {
      const command: QuotaCommand =
        type === 'SettleCharge' ? { type, projectId, operationId: 'transfer' } : giveBack('transfer', { volumes: 1 });
      const decision = quotaDecider.decide(command, state, 0);
      if (decision.kind === 'accepted') state = decision.events.reduce(quotaDecider.evolve, state);
    }
    expect(state.charged).toEqual({ volumes: 1 });
    expect(reservedOf(state)).toEqual({});
  });

  it('never counts below zero, whatever the log says', () => {
    expect(given(charged('op', { volumes: 1 }), returned('x', { volumes: 2, snapshots: 1 })).state.charged).toEqual({});
  });
});

describe('limits of a project', () => {
  it('are merged', () => {
    given(limits({ volumes: 5 }))
      .when(setLimits({ gigabytes: 20 }))
      .then(limits({ volumes: 5, gigabytes: 20 }));
  });

  it('may go below usage where the project had none of its own, and not where it had', () => {
    given(charged('a', { volumes: 5 }))
      .when(setLimits({ volumes: 2 }))
      .then(limits({ volumes: 2 }));
    given(charged('a', { 'volumes:t1': 5 }), limits({ 'volumes:t1': 9 }))
      .when(setLimits({ 'volumes:t1': 2 }))
      .thenRejected('InvalidQuota', 'Quota volumes_fast limit', 'Current usage is 5 and the requested limit is 2');
    given(charged('a', { volumes: 5 }), limits({ volumes: 9, snapshots: 3 }))
      .when(setLimits({ volumes: 5, snapshots: 0 }))
      .thenTypes('QuotaLimitsSet');
  });

  it('may always be lifted', () => {
    given(charged('a', { volumes: 5 }), limits({ volumes: 9 }))
      .when(setLimits({ volumes: -1 }))
      .then(limits({ volumes: -1 }));
  });

  it('that are so already change nothing', () => {
    given(limits({ volumes: 5 }))
      .when(setLimits({ volumes: 5 }))
      .thenNothing();
  });

  it('are deleted, once; usage stays', () => {
    given(limits({ volumes: 5 }), charged('a', { volumes: 1 }))
      .when({ type: 'DeleteQuotaLimits', projectId })
      .then({ type: 'QuotaLimitsDeleted', data: { projectId } });
    given().when({ type: 'DeleteQuotaLimits', projectId }).thenNothing();
    const { state } = given(limits({ volumes: 5 }), charged('a', { volumes: 1 }), {
      type: 'QuotaLimitsDeleted',
      data: { projectId },
    });
    expect(state.limits).toEqual({});
    expect(state.charged).toEqual({ volumes: 1 });
  });
});

describe('closing the books', () => {
  const history = [
    limits({ volumes: 50 }),
    charged('a', { volumes: 1, gigabytes: 3 }),
    charged('b', { gigabytes: 2 }, true),
    charged('c', { volumes: 1 }),
    settled('a'),
    returned('c', { volumes: 1 }),
  ];

  it('writes totals, limits, what is open and what ended', () => {
    const closing = closeQuotaBooks(given(...history).state);
    expect(quotaEvents.encode(closing)).toEqual({
      type: 'QuotaLedgerClosed',
      data: {
        projectId,
        limits: { volumes: 50 },
        charged: { volumes: 1, gigabytes: 5 },
        open: [{ operationId: 'b', amounts: { gigabytes: 2 }, landsIn: 'volume-b', reserved: true }],
        ended: expect.toSatisfy((ids: string[]) => ids.toSorted().join() === 'a,c'),
        settled: ['a'],
      },
    });
  });

  it('still knows what ended before, and forgets it at the closing after', () => {
    const closing = closeQuotaBooks(given(...history).state);
    given(closing)
      .when(charge('a', { volumes: 1 }))
      .thenNothing();
    given(closing)
      .when(giveBack('c', { volumes: 1 }))
      .thenNothing();
    const second = closeQuotaBooks(given(closing).state);
    expect(second).toMatchObject({ data: { ended: [], settled: [] } });
  });

  it('shows what open extensions and transfers hold as reserved', () => {
    expect(reservedOf(given(...history).state)).toEqual({ gigabytes: 2 });
  });
});
