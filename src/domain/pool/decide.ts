import { match } from 'ts-pattern';
import { accepted, type Decision, rejected } from '../kernel/decider.ts';
import { getById } from '../kernel/id-map.ts';
import { reject } from '../kernel/rejection.ts';
import { fits } from '../placement/capacity.ts';
import type { PoolCommand } from './commands.ts';
import type { Allocation, PoolEvent } from './events.ts';
import { claimEndingOf, type PoolLedger, provisionedGiB } from './state.ts';

type CommandOf<Type extends PoolCommand['type']> = Extract<PoolCommand, { type: Type }>;

/** Room taken or given back, by what it is for. */
export interface Room {
  readonly volumesGiB: number;
  readonly snapshotsGiB: number;
  readonly volumes: number;
  readonly snapshots: number;
}

/** What an allocation takes. */
export const roomOf = ({ kind, sizeGiB }: Pick<Allocation, 'kind' | 'sizeGiB'>): Room => ({
  volumesGiB: kind === 'snapshot' ? 0 : sizeGiB,
  snapshotsGiB: kind === 'snapshot' ? sizeGiB : 0,
  volumes: kind === 'volume' ? 1 : 0,
  snapshots: kind === 'snapshot' ? 1 : 0,
});

/** What a pool's ledger says to a command (contract/scheduler.md §3). */
export const decidePool = (command: PoolCommand, ledger: PoolLedger): Decision<PoolEvent> =>
  match(command)
    .returnType<Decision<PoolEvent>>()
    .with({ type: 'ClaimCapacity' }, (claim) => claimCapacity(claim, ledger))
    .with({ type: 'SettleClaim' }, ({ pool, operationId }) =>
      getById(ledger.open, operationId) === undefined
        ? accepted()
        : accepted({ type: 'PoolClaimSettled', data: { pool, operationId } }),
    )
    .with({ type: 'ReturnCapacity' }, (giveBack) => returnCapacity(giveBack, ledger))
    .exhaustive();

/**
 * Already open or settled is done. A claim that was given back may be taken again by the same operation: it was placed
 * on this pool once more. The ledger's totals stand in for what the report says of them: they are newer.
 */
function claimCapacity(command: CommandOf<'ClaimCapacity'>, ledger: PoolLedger): Decision<PoolEvent> {
  const { operationId, resourceId, kind, sizeGiB, provisioningType, report } = command;
  if (getById(ledger.open, operationId) !== undefined) return accepted();
  if (claimEndingOf(ledger, operationId) === 'settled') return accepted();
  const now = {
    ...report,
    allocatedCapacityGiB: ledger.volumesGiB,
    provisionedCapacityGiB: provisionedGiB(ledger),
    volumeCount: ledger.volumes,
  };
  const verdict = fits(now, sizeGiB, provisioningType);
  if (!verdict.fits) {
    const { reason, figures } = verdict;
    return rejected(reject('PoolCapacityExceeded', { pool: report.pool, requestedGiB: sizeGiB, reason, figures }));
  }
  return accepted({ type: 'PoolCapacityClaimed', data: { pool: report.pool, operationId, resourceId, kind, sizeGiB } });
}

const NO_ROOM: Room = { volumesGiB: 0, snapshotsGiB: 0, volumes: 0, snapshots: 0 };

/**
 * Once per operation; the event states what was really given back, which is never more than is taken. An undo that finds
 * no claim records that it gave back nothing: a claim that a former owner has sent, and that is still on its way, then
 * fails by its expected revision.
 */
function returnCapacity(
  { pool, operationId, freed, reason }: CommandOf<'ReturnCapacity'>,
  ledger: PoolLedger,
): Decision<PoolEvent> {
  const open = getById(ledger.open, operationId);
  const ending = claimEndingOf(ledger, operationId);
  if (open === undefined && ending === (freed === 'claim' ? 'settled' : 'returned')) return accepted();
  const asked = freed === 'claim' ? (open === undefined ? NO_ROOM : roomOf(open)) : freed;
  return accepted({
    type: 'PoolCapacityReturned',
    data: {
      pool,
      operationId,
      volumesGiB: Math.min(asked.volumesGiB, ledger.volumesGiB),
      snapshotsGiB: Math.min(asked.snapshotsGiB, ledger.snapshotsGiB),
      volumes: Math.min(asked.volumes, ledger.volumes),
      snapshots: Math.min(asked.snapshots, ledger.snapshots),
      reason,
    },
  });
}
