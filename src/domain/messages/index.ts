import { accepted, type Decider } from '../kernel/decider.ts';
import { emptyIdMap, getById, type IdMap, putById } from '../kernel/id-map.ts';
import type { MessagesCommand } from './commands.ts';
import { type MessagesEvent, messagesEvents } from './events.ts';

export type { MessagesCommand } from './commands.ts';
export type { MessagesEvent } from './events.ts';

/** Ids of the messages that were put away. */
export type DeletedMessages = IdMap<true>;

export const messagesDecider: Decider<MessagesCommand, DeletedMessages, MessagesEvent> = {
  initial: emptyIdMap,
  decide: ({ projectId, messageId }, deleted) =>
    getById(deleted, messageId) === undefined
      ? accepted({ type: 'MessageDeleted', data: { projectId, messageId } })
      : accepted(),
  evolve: (deleted, event) => {
    switch (event.type) {
      case 'MessageDeleted':
        return putById(deleted, event.data.messageId, true);
    }
  },
};

/** What a project has put away of its user messages, on the stream `messages-<projectId>`. */
export const messages = { decider: messagesDecider, catalogue: messagesEvents };
