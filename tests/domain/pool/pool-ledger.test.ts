import { describe, expect, it } from 'vitest';
import type { PoolReport } from '../../../src/domain/placement/pool-report.ts';
import {
  claimEndingOf,
  closePoolBooks,
  type PoolCommand,
  type PoolEvent,
  poolDecider,
  poolEvents,
  provisionedGiB,
} from '../../../src/domain/pool/index.ts';
import { givenDecider } from '../given-when-then.ts';
import { reportOf } from './reports.ts';

const given = givenDecider(poolDecider).given;
const pool = 'node@file#main';

const claimed = (
  operationId: string,
  sizeGiB: number,
  kind: 'volume' | 'snapshot' | 'growth' = 'volume',
): PoolEvent => ({
  type: 'PoolCapacityClaimed',
  data: { pool, operationId, resourceId: `for-${operationId}`, kind, sizeGiB },
});
const settled = (operationId: string): PoolEvent => ({ type: 'PoolClaimSettled', data: { pool, operationId } });
const returned = (
  operationId: string,
  room: Partial<Record<'volumesGiB' | 'snapshotsGiB' | 'volumes' | 'snapshots', number>>,
): PoolEvent => ({
  type: 'PoolCapacityReturned',
  data: { pool, operationId, volumesGiB: 0, snapshotsGiB: 0, volumes: 0, snapshots: 0, reason: 'deleted', ...room },
});
const claim = (operationId: string, sizeGiB: number, report: Partial<PoolReport> = {}): PoolCommand => ({
  type: 'ClaimCapacity',
  operationId,
  resourceId: `for-${operationId}`,
  kind: 'volume',
  sizeGiB,
  provisioningType: null,
  report: reportOf({ pool, ...report }),
});
const giveBack = (
  operationId: string,
  freed: Extract<PoolCommand, { type: 'ReturnCapacity' }>['freed'],
): PoolCommand => ({
  type: 'ReturnCapacity',
  pool,
  operationId,
  freed,
  reason: 'deleted',
});

describe('claiming capacity of a pool', () => {
  it('takes room for a volume', () => {
    given().when(claim('op', 10)).then(claimed('op', 10));
  });

  it('gives the last GiB to one of two', () => {
    given(claimed('a', 9)).when(claim('b', 1)).thenTypes('PoolCapacityClaimed');
    given(claimed('a', 9), claimed('b', 1))
      .when(claim('c', 1))
      .thenRejected('PoolCapacityExceeded', pool, '1 GiB', '0 GiB free of 10 GiB');
  });

  it('goes by the ledger’s own totals, which are newer than the report’s', () => {
    given(claimed('a', 9))
      .when(claim('b', 2, { provisionedCapacityGiB: 0, provisionedAtReportGiB: 0 }))
      .thenRejected('PoolCapacityExceeded');
    given()
      .when(claim('b', 10, { provisionedCapacityGiB: 10, provisionedAtReportGiB: 10 }))
      .thenTypes('PoolCapacityClaimed');
  });

  it('counts what was claimed since the report against the free space that a thick pool measured', () => {
    const thick = { thinProvisioning: false, totalCapacityGiB: 100, freeCapacityGiB: 4, provisionedAtReportGiB: 0 };
    given(claimed('a', 3))
      .when(claim('b', 1, thick))
      .thenTypes('PoolCapacityClaimed');
    given(claimed('a', 3))
      .when(claim('b', 2, thick))
      .thenRejected('PoolCapacityExceeded');
  });

  it('gives the figures with the refusal', () => {
    const { decision } = given(claimed('a', 9)).when(claim('b', 2));
    expect(decision).toMatchObject({
      rejection: {
        details: { pool, requestedGiB: 2, figures: { virtualFreeGiB: 1, provisionedGiB: 9, totalGiB: 10 } },
      },
    });
  });

  it('does nothing for an operation whose claim is open or has settled', () => {
    given(claimed('op', 10)).when(claim('op', 10)).thenNothing();
    given(claimed('op', 10), settled('op')).when(claim('op', 10)).thenNothing();
  });

  it('takes room again for an operation that was placed here once more', () => {
    given(claimed('op', 10), returned('op', { volumesGiB: 10, volumes: 1 }))
      .when(claim('op', 10))
      .thenState((ledger) => {
        expect(provisionedGiB(ledger)).toBe(10);
        expect(claimEndingOf(ledger, 'op')).toBeUndefined();
      });
  });

  it('counts volumes, snapshots and growths apart', () => {
    const { state } = given(claimed('a', 3), claimed('b', 4, 'snapshot'), claimed('c', 2, 'growth'));
    expect(state).toMatchObject({ volumesGiB: 5, snapshotsGiB: 4, volumes: 1, snapshots: 1 });
  });
});

describe('ending a claim', () => {
  it('settles it once', () => {
    const settle: PoolCommand = { type: 'SettleClaim', pool, operationId: 'op' };
    given(claimed('op', 1)).when(settle).then(settled('op'));
    given(claimed('op', 1), settled('op')).when(settle).thenNothing();
    given().when(settle).thenNothing();
  });

  it('returns what it took, once', () => {
    given(claimed('op', 4, 'snapshot'))
      .when(giveBack('op', 'claim'))
      .then(returned('op', { snapshotsGiB: 4, snapshots: 1 }));
    given(claimed('op', 4, 'growth'))
      .when(giveBack('op', 'claim'))
      .then(returned('op', { volumesGiB: 4 }));
    given(claimed('op', 4), returned('op', { volumesGiB: 4, volumes: 1 }))
      .when(giveBack('op', 'claim'))
      .then(returned('op', {}));
    given(claimed('op', 4), settled('op')).when(giveBack('op', 'claim')).thenNothing();
  });

  it('leaves a mark where there is nothing to return: a claim that is on its way comes too late', () => {
    given().when(giveBack('op', 'claim')).then(returned('op', {}));
    given(returned('op', {})).when(claim('op', 4)).then(claimed('op', 4));
  });

  it('returns what a deletion freed, once, and never more than is taken', () => {
    const freed = { volumesGiB: 4, snapshotsGiB: 2, volumes: 1, snapshots: 1 };
    const live = [claimed('op', 4), settled('op'), claimed('snap', 2, 'snapshot'), settled('snap')];
    given(...live)
      .when(giveBack('deletion', freed))
      .then(returned('deletion', freed));
    given(...live, returned('deletion', freed))
      .when(giveBack('deletion', freed))
      .thenNothing();
    given(claimed('op', 3), settled('op'))
      .when(giveBack('deletion', freed))
      .then(returned('deletion', { volumesGiB: 3, volumes: 1 }));
  });

  it('never counts below zero, whatever the log says', () => {
    expect(provisionedGiB(given(claimed('op', 1), returned('x', { volumesGiB: 2, snapshotsGiB: 1 })).state)).toBe(0);
  });
});

describe('closing the books of a pool', () => {
  const history = [
    claimed('a', 3),
    claimed('b', 2),
    claimed('c', 1),
    settled('a'),
    returned('c', { volumesGiB: 1, volumes: 1 }),
  ];

  it('writes the totals, what is open and what ended', () => {
    expect(poolEvents.encode(closePoolBooks(given(...history).state))).toEqual({
      type: 'PoolLedgerClosed',
      data: {
        pool,
        volumesGiB: 5,
        snapshotsGiB: 0,
        volumes: 2,
        snapshots: 0,
        open: [{ operationId: 'b', kind: 'volume', sizeGiB: 2 }],
        ended: expect.toSatisfy((ids: string[]) => ids.toSorted().join() === 'a,c'),
        settled: ['a'],
      },
    });
  });

  it('still knows what ended before, and forgets it at the closing after', () => {
    const closing = closePoolBooks(given(...history).state);
    given(closing).when(claim('a', 1)).thenNothing();
    given(closing)
      .when(giveBack('c', { volumesGiB: 1, snapshotsGiB: 0, volumes: 1, snapshots: 0 }))
      .thenNothing();
    expect(closePoolBooks(given(closing).state)).toMatchObject({ data: { ended: [], settled: [] } });
  });
});
