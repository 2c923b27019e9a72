import { z } from 'zod';
import { catalogueOf, type EventsOf } from '../kernel/event.ts';

const id = z.string().min(1);

/**
 * Amounts by resource key: `volumes`, `gigabytes`, `snapshots`, and per type `volumes:<typeId>`, `gigabytes:<typeId>`,
 * `snapshots:<typeId>` (keyed by id, so that renaming a type changes nothing).
 */
export const amounts = z.record(z.string(), z.int());
export type Amounts = Readonly<Record<string, number>>;

export const openCharge = z.object({
  operationId: id,
  amounts,
  /** Stream that the request of this charge lands in: the orphan check looks there. */
  landsIn: z.string(),
  /** Shown as `reserved` until it is settled (an extension, a transfer), else as in use at once (a create). */
  reserved: z.boolean(),
});
export type OpenCharge = z.infer<typeof openCharge>;

const schemas = {
  /** The project's own limits, the whole after the change; a resource that is absent takes the default. */
  QuotaLimitsSet: { version: 1, data: z.object({ projectId: id, limits: amounts }) },
  QuotaLimitsDeleted: { version: 1, data: z.object({ projectId: id }) },
  QuotaCharged: { version: 1, data: openCharge.extend({ projectId: id }) },
  /** The operation of this charge has ended and what was charged stays charged. */
  QuotaSettled: { version: 1, data: z.object({ projectId: id, operationId: id }) },
  /** Given back: a charge whose request lapsed or failed, or what a deletion freed (then the deletion's id). */
  QuotaReturned: { version: 1, data: z.object({ projectId: id, operationId: id, amounts, reason: z.string() }) },
  /** The books closed: all that a reader needs of what lies before. */
  QuotaLedgerClosed: {
    version: 1,
    data: z.object({
      projectId: id,
      limits: amounts,
      charged: amounts,
      open: z.array(openCharge),
      /** Operations that ended since the books were closed before, and those of them whose charge stayed. */
      ended: z.array(id),
      settled: z.array(id),
    }),
  },
} as const;

export const quotaEvents = catalogueOf(schemas);
export type QuotaEvent = EventsOf<typeof schemas>;
