import { z } from 'zod';
import { catalogueOf, type EventsOf } from '../kernel/event.ts';

const service = z.object({ binary: z.string().min(1), host: z.string().min(1) });

const schemas = {
  /** First seen: gives the service its stable UUID. */
  ServiceRegistered: {
    version: 1,
    data: service.extend({ serviceUuid: z.string().min(1), availabilityZone: z.string() }),
  },
  ServiceEnabled: { version: 1, data: service },
  ServiceDisabled: { version: 1, data: service.extend({ reason: z.string().nullable() }) },
  ServiceFrozen: { version: 1, data: service },
  ServiceThawed: { version: 1, data: service },
} as const;

export const serviceEvents = catalogueOf(schemas);
export type ServiceEvent = EventsOf<typeof schemas>;
