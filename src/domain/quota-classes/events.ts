import { z } from 'zod';
import { catalogueOf, type EventsOf } from '../kernel/event.ts';

const schemas = {
  /** Limits of one class, the whole after the change. The class named `default` holds every project's defaults. */
  QuotaClassLimitsSet: {
    version: 1,
    data: z.object({ className: z.string().min(1), limits: z.record(z.string(), z.int()) }),
  },
} as const;

export const quotaClassesEvents = catalogueOf(schemas);
export type QuotaClassesEvent = EventsOf<typeof schemas>;
