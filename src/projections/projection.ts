import type { RecordedEvent, StreamFilter } from '../ports/event-store.ts';
import type { CollectionSpec, Document } from '../ports/read-store.ts';

/** An event as projections see it: decoded and lifted to the current schema version. */
export interface ProjectedEvent extends RecordedEvent {
  readonly data: never;
}

/**
 * A read model: which documents an event touches, and what each becomes. Pure: no I/O, no clock. Every projection has
 * its own collection, version and checkpoint, and can be rebuilt alone.
 */
export interface Projection<D extends Document = Document> {
  readonly collection: CollectionSpec;
  readonly streams: StreamFilter;
  /** Ids of the documents this event changes; none for an event that does not concern it. */
  idsOf(event: RecordedEvent): readonly string[];
  /** The document after the event; null deletes it. A document that is gone and not made again stays null. */
  apply(document: D | null, event: RecordedEvent, id: string): D | null;
}
