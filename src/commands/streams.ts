import {
  closePoolBooks,
  type PoolCommand,
  type PoolEvent,
  type PoolLedger,
  poolDecider,
  poolEvents,
} from '../domain/pool/index.ts';
import {
  closeQuotaBooks,
  type QuotaCommand,
  type QuotaEvent,
  type QuotaLedger,
  quotaDecider,
  quotaEvents,
} from '../domain/quota/index.ts';
import type { Aggregate } from './handle.ts';

/** Which stream each aggregate lives in, and how `handle` reads it (DESIGN section 3). */

export const quotaStream = (projectId: string): string => `quota-${projectId}`;

export const quotaAggregate: Aggregate<QuotaCommand, QuotaLedger, QuotaEvent> = {
  decider: quotaDecider,
  catalogue: quotaEvents,
  books: { type: 'QuotaLedgerClosed', close: closeQuotaBooks },
};

/** `pool` is `host@backend#pool`. */
export const poolStream = (pool: string): string => `pool-${pool}`;

export const poolAggregate: Aggregate<PoolCommand, PoolLedger, PoolEvent> = {
  decider: poolDecider,
  catalogue: poolEvents,
  books: { type: 'PoolLedgerClosed', close: closePoolBooks },
};

export const volumeStream = (volumeId: string): string => `volume-${volumeId}`;
