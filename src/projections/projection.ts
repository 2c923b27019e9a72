import type { DomainEvent } from '../domain/kernel/event.ts';
import type { RecordedEvent, StreamFilter } from '../ports/event-store.ts';
import type { CollectionSpec, Document } from '../ports/read-store.ts';

/** An event of one aggregate as projections see it: recorded, decoded and lifted to the current schema version. */
export type Recorded<E extends DomainEvent> = E extends DomainEvent ? E & Omit<RecordedEvent, 'type' | 'data'> : never;

/**
 * A read model: which documents an event touches, and what each becomes. Pure: no I/O, no clock. Every projection has
 * its own collection, version and checkpoint, and can be rebuilt alone.
 */
export interface Projection<D extends Document = Document> {
  readonly collection: CollectionSpec;
  readonly streams: StreamFilter;
  /** True where every event makes a document of its own: then nothing is ever read before it is written. */
  readonly appendOnly?: boolean;
  /** Ids of the documents this event changes; none for an event that does not concern it. */
  idsOf(event: RecordedEvent): readonly string[];
  /**
   * The document after the event; null deletes it. A document that is gone and not made again stays null; one that
   * the event leaves as it is comes back as the same object.
   */
  apply(document: D | null, event: RecordedEvent, id: string): D | null;
  /**
   * Only of what is `appendOnly`: the document's JSON text, where it is made of the event's own (`dataText`) for less
   * than it would take to go through the document again.
   */
  textOf?(document: D, event: RecordedEvent): string | undefined;
}
