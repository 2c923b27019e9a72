import { z } from 'zod';
import { catalogueOf, type EventsOf } from '../kernel/event.ts';

const schemas = {
  /** A user message that its project has put away. */
  MessageDeleted: { version: 1, data: z.object({ projectId: z.string().min(1), messageId: z.string().min(1) }) },
} as const;

export const messagesEvents = catalogueOf(schemas);
export type MessagesEvent = EventsOf<typeof schemas>;
