import type { MessagesEvent } from '../domain/messages/events.ts';
import type { VolumeEvent } from '../domain/volume/events.ts';
import type { CollectionSpec, Document, ReadStore, Where } from '../ports/read-store.ts';
import { createListing, type Listing, projectIndexes } from './listing.ts';
import { isFailure, messageTextOf } from './message-texts.ts';
import type { Projection, Recorded } from './projection.ts';

/** Collection `messages`: user messages made from failures (contract/sagas.md §0). `id` is that of the failure's event. */
export interface MessageDocument extends Document {
  readonly id: string;
  /** The project whose request failed. */
  readonly projectId: string;
  /** `VOLUME_<resource>_<action>_<detail>`, e.g. `VOLUME_VOLUME_001_003`. */
  readonly eventId: string;
  readonly resourceType: string;
  readonly resourceUuid: string;
  readonly messageLevel: 'ERROR';
  readonly userMessage: string;
  readonly requestId: string;
  readonly createdAt: number;
  readonly guaranteedUntil: number;
}

/** Cinder's `message_ttl`: a message may be put away that long after it was made. */
export const MESSAGE_LIFE_MS = 30 * 24 * 60 * 60 * 1_000;

/** Fields that the API filters messages by (contract/errors.md §5), each served by an index. */
export const MESSAGE_FILTER_FIELDS = ['resourceUuid', 'resourceType', 'eventId', 'requestId', 'messageLevel'] as const;

export const messagesCollection: CollectionSpec = {
  name: 'messages',
  version: 1,
  indexes: [
    ...projectIndexes({ withinProject: MESSAGE_FILTER_FIELDS, acrossProjects: [] }),
    { name: 'project_guaranteedUntil', fields: ['projectId', 'guaranteedUntil'] },
  ],
};

export const messagesProjection: Projection<MessageDocument> = {
  collection: messagesCollection,
  streams: { prefixes: ['volume-', 'messages-'] },
  idsOf: (event: Recorded<VolumeEvent | MessagesEvent>) => {
    if (event.type === 'MessageDeleted') return [event.data.messageId];
    return isFailure(event) ? [event.id] : [];
  },
  apply: (_document: MessageDocument | null, event: Recorded<VolumeEvent | MessagesEvent>, id: string) => {
    if (!isFailure(event)) return null;
    const { actor, at, correlationId } = event.metadata;
    return {
      id,
      projectId: actor.projectId,
      ...messageTextOf(event),
      messageLevel: 'ERROR',
      requestId: correlationId,
      createdAt: at,
      guaranteedUntil: at + MESSAGE_LIFE_MS,
    };
  },
};

export type MessageQueries = Listing<MessageDocument>;

export const createMessageQueries = (readStore: ReadStore): MessageQueries =>
  createListing<MessageDocument>(readStore, messagesCollection);

/** What still counts at `now`: older messages are no longer shown. */
export const messagesAliveAt = (now: number): Where => ({ guaranteedUntil: { gt: now } });
