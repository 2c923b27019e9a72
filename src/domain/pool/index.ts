import type { Decider } from '../kernel/decider.ts';
import { dropById, emptyIdMap, getById, idMapOf, idsOf, putById, valuesOf } from '../kernel/id-map.ts';
import type { PoolCommand } from './commands.ts';
import { decidePool, type Room, roomOf } from './decide.ts';
import type { PoolEvent } from './events.ts';
import { type ClaimEnding, initialPoolLedger, type PoolLedger } from './state.ts';

export type { PoolCommand } from './commands.ts';
export { type Room, roomOf } from './decide.ts';
export { type Allocation, type PoolEvent, poolEvents } from './events.ts';
export { claimEndingOf, initialPoolLedger, type PoolLedger, provisionedGiB } from './state.ts';

const end = (ledger: PoolLedger, operationId: string, ending: ClaimEnding): PoolLedger => ({
  ...ledger,
  open: dropById(ledger.open, operationId),
  ended: putById(ledger.ended, operationId, ending),
});

const taking = (ledger: PoolLedger, room: Room, sign: 1 | -1): Room => ({
  volumesGiB: Math.max(0, ledger.volumesGiB + sign * room.volumesGiB),
  snapshotsGiB: Math.max(0, ledger.snapshotsGiB + sign * room.snapshotsGiB),
  volumes: Math.max(0, ledger.volumes + sign * room.volumes),
  snapshots: Math.max(0, ledger.snapshots + sign * room.snapshots),
});

function evolvePool(ledger: PoolLedger, { type, data }: PoolEvent): PoolLedger {
  const { pool } = data;
  switch (type) {
    case 'PoolCapacityClaimed': {
      const { operationId, kind, sizeGiB } = data;
      return {
        ...ledger,
        ...taking(ledger, roomOf(data), 1),
        pool,
        open: putById(ledger.open, operationId, { operationId, kind, sizeGiB }),
        // placed here once more after it was given back
        ended: dropById(ledger.ended, operationId),
        endedBefore: dropById(ledger.endedBefore, operationId),
      };
    }
    case 'PoolClaimSettled':
      return { ...end(ledger, data.operationId, 'settled'), pool };
    case 'PoolCapacityReturned':
      return { ...end(ledger, data.operationId, 'returned'), ...taking(ledger, data, -1), pool };
    case 'PoolLedgerClosed': {
      const { volumesGiB, snapshotsGiB, volumes, snapshots } = data;
      const settled = new Set(data.settled);
      return {
        pool,
        volumesGiB,
        snapshotsGiB,
        volumes,
        snapshots,
        open: idMapOf(data.open.map((allocation) => [allocation.operationId, allocation] as const)),
        ended: emptyIdMap,
        endedBefore: idMapOf(data.ended.map((id) => [id, settled.has(id) ? 'settled' : 'returned'] as const)),
      };
    }
  }
}

/**
 * The ledger of one pool's capacity; its stream is `pool-<host@backend#pool>` and its one writer the worker that holds
 * the lease of the backend.
 */
export const poolDecider: Decider<PoolCommand, PoolLedger, PoolEvent> = {
  initial: initialPoolLedger,
  decide: decidePool,
  evolve: evolvePool,
};

/** The event that closes the books: a reader needs nothing of what lies before it. */
export const closePoolBooks = (ledger: PoolLedger): PoolEvent => {
  const { pool, volumesGiB, snapshotsGiB, volumes, snapshots } = ledger;
  const ended = idsOf(ledger.ended);
  return {
    type: 'PoolLedgerClosed',
    data: {
      pool,
      volumesGiB,
      snapshotsGiB,
      volumes,
      snapshots,
      open: valuesOf(ledger.open),
      ended,
      settled: ended.filter((id) => getById(ledger.ended, id) === 'settled'),
    },
  };
};
