import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PoolEvent } from '../../src/domain/pool/events.ts';
import { poolDecider } from '../../src/domain/pool/index.ts';
import type { QuotaEvent } from '../../src/domain/quota/events.ts';
import { closeQuotaBooks, quotaDecider, reservedOf } from '../../src/domain/quota/index.ts';
import { poolsProjection } from '../../src/projections/pools.ts';
import { quotaClassesProjection, quotasProjection } from '../../src/projections/quotas.ts';
import { given } from './recorded.ts';

const POOL = 'host1@file#pool1';

const charged = (operationId: string, gigabytes: number, reserved = false): QuotaEvent => ({
  type: 'QuotaCharged',
  data: { projectId: 'p1', operationId, amounts: { volumes: 1, gigabytes }, landsIn: 'volume-v1', reserved },
});
const settled = (operationId: string): QuotaEvent => ({ type: 'QuotaSettled', data: { projectId: 'p1', operationId } });
const returned = (operationId: string, gigabytes: number): QuotaEvent => ({
  type: 'QuotaReturned',
  data: { projectId: 'p1', operationId, amounts: { volumes: 1, gigabytes }, reason: 'deleted' },
});

describe('the quota of a project', () => {
  const quota = (...events: readonly QuotaEvent[]) => given(quotasProjection, ...events).document('p1');

  it('counts a create as in use at once', () => {
    expect(quota(charged('op1', 5))).toMatchObject({ charged: { volumes: 1, gigabytes: 5 }, reserved: {} });
  });

  it('counts a reserving charge as reserved until it is settled', () => {
    const reserved = { volumes: 1, gigabytes: 5 };
    expect(quota(charged('op1', 5, true))).toMatchObject({ charged: reserved, reserved });
    expect(quota(charged('op1', 5, true), settled('op1'))).toMatchObject({ charged: reserved, reserved: {} });
    expect(quota(charged('op1', 5, true), returned('op1', 5))).toMatchObject({ charged: {}, reserved: {} });
  });

  it('leaves the document alone where a settled charge reserved nothing', () => {
    const before = quota(charged('op1', 5));
    expect(quotasProjection.apply(before as never, { ...settled('op1') } as never, 'p1')).toBe(before);
  });

  it('keeps the own limits of the project until they are deleted', () => {
    const set: QuotaEvent = { type: 'QuotaLimitsSet', data: { projectId: 'p1', limits: { volumes: 3 } } };
    const unset: QuotaEvent = { type: 'QuotaLimitsDeleted', data: { projectId: 'p1' } };
    expect(quota(charged('op1', 5), set)).toMatchObject({ limits: { volumes: 3 }, charged: { volumes: 1 } });
    expect(quota(charged('op1', 5), set, unset)).toMatchObject({ limits: {}, charged: { volumes: 1 } });
  });

  it('agrees with the ledger that commands are decided on, books closed or not', () => {
    const command = fc.oneof(
      fc.record({
        type: fc.constant('charge' as const),
        op: fc.nat(8),
        gib: fc.integer({ min: 1, max: 9 }),
        reserved: fc.boolean(),
      }),
      fc.record({ type: fc.constantFrom('settle' as const, 'return' as const, 'close' as const), op: fc.nat(8) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        let ledger = quotaDecider.initial;
        const events: QuotaEvent[] = [];
        const common = { projectId: 'p1', landsIn: 'volume-v1', resource: 'volume' as const, volumeSizeGiB: null };
        for (const next of commands) {
          const operationId = `op${next.op}`;
          const decided =
            next.type === 'close'
              ? [closeQuotaBooks({ ...ledger, projectId: 'p1' })]
              : decide(
                  next.type === 'charge'
                    ? {
                        ...common,
                        type: 'ChargeQuota',
                        operationId,
                        amounts: { volumes: 1, gigabytes: next.gib },
                        reserved: next.reserved,
                        defaults: { limits: {}, typeNames: {} },
                      }
                    : next.type === 'settle'
                      ? { type: 'SettleCharge', projectId: 'p1', operationId }
                      : { type: 'ReturnQuota', projectId: 'p1', operationId, amounts: 'charge', reason: 'test' },
                );
          for (const event of decided) {
            ledger = quotaDecider.evolve(ledger, event);
            events.push(event);
          }
        }
        const document = quota(...events);
        expect(document?.charged ?? {}).toEqual(ledger.charged);
        expect(document?.reserved ?? {}).toEqual(reservedOf(ledger));

        function decide(chosen: Parameters<typeof quotaDecider.decide>[0]): readonly QuotaEvent[] {
          const decision = quotaDecider.decide(chosen, ledger, 0);
          return decision.kind === 'accepted' ? decision.events : [];
        }
      }),
    );
  });

  it('has the limits of a class as they were last set', () => {
    const set = (limits: Record<string, number>) => ({
      type: 'QuotaClassLimitsSet',
      data: { className: 'default', limits },
    });
    const { document } = given(quotaClassesProjection, set({ volumes: 1 }), set({ gigabytes: 2 }));
    expect(document('default')).toEqual({ id: 'default', limits: { gigabytes: 2 } });
  });
});

describe('the ledger of a pool', () => {
  const claimed = (kind: 'volume' | 'snapshot' | 'growth', sizeGiB: number): PoolEvent => ({
    type: 'PoolCapacityClaimed',
    data: { operationId: `${kind}-op`, kind, sizeGiB, pool: POOL, resourceId: 'r1' },
  });
  const given3 = [claimed('volume', 10), claimed('snapshot', 4), claimed('growth', 2)];
  const freed: PoolEvent = {
    type: 'PoolCapacityReturned',
    data: {
      pool: POOL,
      operationId: 'op',
      volumesGiB: 12,
      snapshotsGiB: 4,
      volumes: 1,
      snapshots: 1,
      reason: 'deleted',
    },
  };

  it('adds up what is claimed, and takes away what is returned', () => {
    const expected = { id: POOL, volumesGiB: 12, snapshotsGiB: 4, volumes: 1, snapshots: 1 };
    expect(given(poolsProjection, ...given3).document(POOL)).toEqual(expected);
    const nothing = { id: POOL, volumesGiB: 0, snapshotsGiB: 0, volumes: 0, snapshots: 0 };
    expect(given(poolsProjection, ...given3, freed).document(POOL)).toEqual(nothing);
  });

  it('agrees with the ledger that claims are decided on', () => {
    const ledger = [...given3, freed, claimed('volume', 7)].reduce(poolDecider.evolve, poolDecider.initial);
    const { volumesGiB, snapshotsGiB, volumes, snapshots } = ledger;
    const document = given(poolsProjection, ...given3, freed, claimed('volume', 7)).document(POOL);
    expect(document).toEqual({ id: POOL, volumesGiB, snapshotsGiB, volumes, snapshots });
  });

  it('begins anew where the books are closed', () => {
    const totals = { pool: POOL, volumesGiB: 100, snapshotsGiB: 50, volumes: 9, snapshots: 5 };
    const closed: PoolEvent = { type: 'PoolLedgerClosed', data: { ...totals, open: [], ended: [], settled: [] } };
    const { pool: id, ...rest } = totals;
    expect(given(poolsProjection, closed).document(POOL)).toEqual({ id, ...rest });
  });
});
