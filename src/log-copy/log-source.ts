import type { EventStore, RecordedEvent } from '../ports/event-store.ts';

/** An event as it is copied: everything but position and time of recording, which are each log's own. */
export type LoggedEvent = Pick<RecordedEvent, 'stream' | 'revision' | 'id' | 'type' | 'data' | 'metadata'>;

/** Something that holds a log: a store, or a file of JSON lines. */
export interface LogSource {
  /** All events in the order of the log, each time from the first one. */
  read(): AsyncIterable<LoggedEvent>;
}

/** Streams of the store itself (metadata of streams, statistics), which no copy takes along. */
export const isSystemStream = (stream: string): boolean => stream.startsWith('$');

/** A store without its system streams. */
export const storeSource = (store: Pick<EventStore, 'readAll'>): LogSource => ({
  read: async function* () {
    for await (const event of store.readAll()) if (!isSystemStream(event.stream)) yield event;
  },
});
