import { emptyIdMap, getById, type IdMap } from '../kernel/id-map.ts';
import type { GiB } from '../kernel/units.ts';
import type { Allocation } from './events.ts';

/** How an operation left the ledger: its claim stays (`settled`), or something was given back (`returned`). */
export type ClaimEnding = 'settled' | 'returned';

/** What is taken of one pool: what Scoria promised, whatever the backend measures. */
export interface PoolLedger {
  /** `host@backend#pool`; empty before the first event. */
  readonly pool: string;
  readonly volumesGiB: GiB;
  readonly snapshotsGiB: GiB;
  readonly volumes: number;
  readonly snapshots: number;
  readonly open: IdMap<Allocation>;
  /** Operations that ended since the books were last closed. */
  readonly ended: IdMap<ClaimEnding>;
  /** Those of the time before, named in the last closing; older repeats are refused by the operation's own stream. */
  readonly endedBefore: IdMap<ClaimEnding>;
}

export const initialPoolLedger: PoolLedger = {
  pool: '',
  volumesGiB: 0,
  snapshotsGiB: 0,
  volumes: 0,
  snapshots: 0,
  open: emptyIdMap,
  ended: emptyIdMap,
  endedBefore: emptyIdMap,
};

export const claimEndingOf = (ledger: PoolLedger, operationId: string): ClaimEnding | undefined =>
  getById(ledger.ended, operationId) ?? getById(ledger.endedBefore, operationId);

/** Volumes and snapshots together, open claims included. */
export const provisionedGiB = (ledger: PoolLedger): GiB => ledger.volumesGiB + ledger.snapshotsGiB;
