import type { RecordedEvent } from '../ports/event-store.ts';
import type { CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';
import { dataWithoutSecrets } from './audit-log.ts';
import type { Projection } from './projection.ts';

/** One event of a command, as far as an answer can be made of it. */
export interface KeyedEvent {
  readonly type: string;
  readonly at: number;
  /** What happened, without secrets. */
  readonly data: unknown;
}

/** Collection `keyedCommands`: what was done under an Idempotency-Key, found again when its target is gone. */
export interface KeyedCommandDocument extends Document {
  /** The command's. */
  readonly id: string;
  readonly requestHash: string;
  readonly stream: string;
  readonly events: readonly KeyedEvent[];
}

export const keyedCommandsCollection: CollectionSpec = { name: 'keyedCommands', version: 1, indexes: [] };

export const keyedCommandsProjection: Projection<KeyedCommandDocument> = {
  collection: keyedCommandsCollection,
  // streams that requests write to: ledgers and operations only have what follows from them
  streams: { prefixes: ['volume-', 'volumeTypes', 'quota-', 'quotaClasses', 'service-', 'messages-'] },
  idsOf: ({ metadata }: RecordedEvent) => (metadata.requestHash === undefined ? [] : [metadata.commandId]),
  apply: (document: KeyedCommandDocument | null, event: RecordedEvent, id: string) => {
    const { type, stream, metadata } = event;
    const kept = { type, at: metadata.at, data: dataWithoutSecrets(event) };
    if (document !== null) return { ...document, events: [...document.events, kept] };
    return { id, requestHash: metadata.requestHash ?? '', stream, events: [kept] };
  },
};

export interface KeyedCommandQueries {
  /** Null: nothing was done under this id, or the read models are not there yet. */
  get(commandId: string): Promise<KeyedCommandDocument | null>;
}

export const createKeyedCommandQueries = (readStore: ReadStore): KeyedCommandQueries => ({
  get: async (commandId) =>
    (await readStore.get(keyedCommandsCollection.name, commandId)) as KeyedCommandDocument | null,
});
