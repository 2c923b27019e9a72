import { z } from 'zod';
import { catalogueOf, type EventsOf } from '../kernel/event.ts';

const schemas = {
  /** An authenticated command that a rule refused; who asked is in the metadata. */
  CommandRefused: {
    version: 1,
    data: z.object({
      projectId: z.string().min(1),
      command: z.string(),
      stream: z.string(),
      code: z.string(),
      message: z.string(),
    }),
  },
} as const;

export const refusalsEvents = catalogueOf(schemas);
export type RefusalsEvent = EventsOf<typeof schemas>;
