import { emptyIdMap, getById, type IdMap } from '../kernel/id-map.ts';
import type { Amounts, OpenCharge } from './events.ts';

/** How an operation left the ledger: what it charged stays (`settled`), or something was given back (`returned`). */
export type Ending = 'settled' | 'returned';

/** What one project may use and uses. */
export interface QuotaLedger {
  /** Empty before the first event. */
  readonly projectId: string;
  /** The project's own limits; a resource that is absent takes the default. */
  readonly limits: Amounts;
  /** All that is charged, open charges included. */
  readonly charged: Amounts;
  readonly open: IdMap<OpenCharge>;
  /** Operations that ended since the books were last closed. */
  readonly ended: IdMap<Ending>;
  /** Those of the time before, named in the last closing; older repeats are refused by the operation's own stream. */
  readonly endedBefore: IdMap<Ending>;
}

export const initialQuotaLedger: QuotaLedger = {
  projectId: '',
  limits: {},
  charged: {},
  open: emptyIdMap,
  ended: emptyIdMap,
  endedBefore: emptyIdMap,
};

export const endingOf = (ledger: QuotaLedger, operationId: string): Ending | undefined =>
  getById(ledger.ended, operationId) ?? getById(ledger.endedBefore, operationId);
