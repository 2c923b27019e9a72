import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  closePoolBooks,
  initialPoolLedger,
  type PoolCommand,
  type PoolLedger,
  poolDecider,
  provisionedGiB,
  type Room,
  roomOf,
} from '../../../src/domain/pool/index.ts';
import { reportOf } from './reports.ts';

const report = reportOf({ totalCapacityGiB: 10, maxOverSubscriptionRatio: 2 });
const { pool } = report;

type Action =
  | { kind: 'claim'; op: number; sizeGiB: number; of: 'volume' | 'snapshot' | 'growth' }
  | { kind: 'settle' | 'undo' | 'delete'; op: number };

const op = fc.integer({ min: 0, max: 11 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      op,
      sizeGiB: fc.integer({ min: 0, max: 9 }),
      of: fc.constantFrom('volume' as const, 'snapshot' as const, 'growth' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constantFrom('settle' as const, 'undo' as const, 'delete' as const), op }),
  },
);

const NOTHING: Room = { volumesGiB: 0, snapshotsGiB: 0, volumes: 0, snapshots: 0 };

const commandOf = (a: Action, live: ReadonlyMap<string, Room>): PoolCommand => {
  const operationId = `op-${a.op}`;
  switch (a.kind) {
    case 'claim':
      return {
        type: 'ClaimCapacity',
        operationId,
        resourceId: 'r',
        kind: a.of,
        sizeGiB: a.sizeGiB,
        provisioningType: null,
        report,
      };
    case 'settle':
      return { type: 'SettleClaim', pool, operationId };
    case 'undo':
      return { type: 'ReturnCapacity', pool, operationId, freed: 'claim', reason: 'undone' };
    case 'delete':
      return {
        type: 'ReturnCapacity',
        pool,
        operationId: `deletion-of-${operationId}`,
        freed: live.get(operationId) ?? NOTHING,
        reason: 'deleted',
      };
  }
};

const total = (rooms: Iterable<Room>): Room =>
  [...rooms].reduce(
    (sum, room) => ({
      volumesGiB: sum.volumesGiB + room.volumesGiB,
      snapshotsGiB: sum.snapshotsGiB + room.snapshotsGiB,
      volumes: sum.volumes + room.volumes,
      snapshots: sum.snapshots + room.snapshots,
    }),
    NOTHING,
  );

function run(actions: readonly Action[], each: (ledger: PoolLedger, taken: Room) => void): PoolLedger {
  const open = new Map<string, Room>();
  const live = new Map<string, Room>();
  const finished = new Set<string>();
  let ledger = initialPoolLedger;
  for (const a of actions) {
    const operationId = `op-${a.op}`;
    if (a.kind === 'delete' && !live.has(operationId)) continue;
    if (a.kind === 'claim' && finished.has(operationId)) continue;
    const command = commandOf(a, live);
    const decision = poolDecider.decide(command, ledger, 0);
    const events = decision.kind === 'accepted' ? decision.events : [];
    ledger = events.reduce(poolDecider.evolve, ledger);
    const held = open.get(operationId);
    if (a.kind === 'claim' && events.length > 0) open.set(operationId, roomOf({ kind: a.of, sizeGiB: a.sizeGiB }));
    if (a.kind === 'settle' && held !== undefined) {
      live.set(operationId, held);
      finished.add(operationId);
    }
    if (a.kind === 'settle' || a.kind === 'undo') open.delete(operationId);
    if (a.kind === 'delete') live.delete(operationId);
    const again = poolDecider.decide(command, ledger, 0);
    if (decision.kind === 'accepted' && a.kind === 'undo') {
      // an undo may leave its mark again, and gives nothing back twice
      const marked = again.kind === 'accepted' ? again.events.reduce(poolDecider.evolve, ledger) : null;
      expect(marked).toEqual({ ...ledger, pool: marked?.pool, ended: marked?.ended });
    } else if (decision.kind === 'accepted') expect(again).toEqual({ kind: 'accepted', events: [] });
    each(ledger, total([...open.values(), ...live.values()]));
  }
  return ledger;
}

describe('for any sequence of claims, settlements, returns and deletions', () => {
  const actions = fc.array(action, { maxLength: 60 });

  it('what is taken is what lives and what is open, and never more than the pool may promise', () => {
    fc.assert(
      fc.property(actions, (all) => {
        run(all, (ledger, taken) => {
          const { volumesGiB, snapshotsGiB, volumes, snapshots } = ledger;
          expect({ volumesGiB, snapshotsGiB, volumes, snapshots }).toEqual(taken);
          expect(provisionedGiB(ledger)).toBeLessThanOrEqual(20);
        });
      }),
    );
  });

  it('closing the books and reading from there gives the same ledger', () => {
    fc.assert(
      fc.property(actions, (all) => {
        const ledger = run(all, () => {});
        if (ledger.pool === '') return;
        const closing = closePoolBooks(ledger);
        const reloaded = poolDecider.evolve(initialPoolLedger, closing);
        expect(reloaded).toEqual(poolDecider.evolve(ledger, closing));
        expect({ ...reloaded, ended: 0, endedBefore: 0 }).toEqual({ ...ledger, ended: 0, endedBefore: 0 });
      }),
    );
  });
});
