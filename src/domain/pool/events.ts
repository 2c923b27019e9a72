import { z } from 'zod';
import { catalogueOf, type EventsOf } from '../kernel/event.ts';

const id = z.string().min(1);
const gib = z.int().min(0);

export const allocation = z.object({
  operationId: id,
  /** What the room is for. `growth` is the difference of an extension. */
  kind: z.enum(['volume', 'snapshot', 'growth']),
  sizeGiB: gib,
});
export type Allocation = z.infer<typeof allocation>;

const schemas = {
  PoolCapacityClaimed: { version: 1, data: allocation.extend({ pool: z.string(), resourceId: id }) },
  /** The operation of this claim has ended and the room stays taken. */
  PoolClaimSettled: { version: 1, data: z.object({ pool: z.string(), operationId: id }) },
  /** Room given back: a claim undone (its own operation's id), or what a deletion freed (the deletion's id). */
  PoolCapacityReturned: {
    version: 1,
    data: z.object({
      pool: z.string(),
      operationId: id,
      volumesGiB: gib,
      snapshotsGiB: gib,
      volumes: gib,
      snapshots: gib,
      reason: z.string(),
    }),
  },
  PoolLedgerClosed: {
    version: 1,
    data: z.object({
      pool: z.string(),
      volumesGiB: gib,
      snapshotsGiB: gib,
      volumes: gib,
      snapshots: gib,
      open: z.array(allocation),
      /** Operations that ended since the books were closed before, and those of them whose claim stayed. */
      ended: z.array(id),
      settled: z.array(id),
    }),
  },
} as const;

export const poolEvents = catalogueOf(schemas);
export type PoolEvent = EventsOf<typeof schemas>;
