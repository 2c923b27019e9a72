import type { DomainEvent, EventMetadata } from '../../src/domain/kernel/event.ts';
import { deriveId } from '../../src/domain/kernel/ids.ts';
import type { EventStore, EventToAppend, RecordedEvent } from '../../src/ports/event-store.ts';
import type { Document } from '../../src/ports/read-store.ts';
import type { Projection } from '../../src/projections/projection.ts';

export const alice = { userId: 'alice', projectId: 'demo', roles: ['member'], kind: 'user' } as const;

export interface Circumstances extends Partial<EventMetadata> {
  readonly stream?: string;
}

const metadataOf = (at: number, { stream: _, ...known }: Circumstances): EventMetadata => ({
  commandId: deriveId('command', at),
  correlationId: 'req-1',
  causationId: 'req-1',
  actor: alice,
  at,
  schemaVersion: 1,
  ...known,
});

/** An event as the log would give it back; `at` is its time, its position and its revision. */
export const recorded = (event: DomainEvent, at: number, circumstances: Circumstances = {}): RecordedEvent => ({
  ...event,
  id: deriveId('event', at),
  stream: circumstances.stream ?? 'volume-v1',
  revision: BigInt(at),
  position: BigInt(at),
  recordedAt: at,
  metadata: metadataOf(at, circumstances),
});

/**
 * `given(volumesProjection, ...events)` folds the events, the first at time 1, the next at time 2, into the documents
 * they touch.
 */
export function given(projection: Projection, ...events: readonly DomainEvent[]) {
  return givenRecorded(
    projection,
    events.map((event, index) => recorded(event, index + 1)),
  );
}

export function givenRecorded(projection: Projection, events: readonly RecordedEvent[]) {
  const documents = new Map<string, Document>();
  for (const event of events) {
    for (const id of projection.idsOf(event)) {
      const document = projection.apply(documents.get(id) ?? null, event, id);
      if (document === null) documents.delete(id);
      else documents.set(id, document);
    }
  }
  return { documents, document: (id: string): Document | null => documents.get(id) ?? null };
}

let appended = 0;

/** An event on its way into a stream. */
export function toAppend(event: DomainEvent, circumstances: Circumstances = {}): EventToAppend {
  appended += 1;
  return { ...event, id: deriveId('appended', appended), metadata: metadataOf(appended, circumstances) };
}

/** Appends to the end of a stream and returns the position. */
export async function append(
  eventStore: EventStore,
  stream: string,
  ...events: readonly DomainEvent[]
): Promise<bigint> {
  let revision: bigint | null = null;
  for await (const event of eventStore.readStream(stream, { direction: 'backwards', limit: 1 }))
    revision = event.revision;
  const { position } = await eventStore.append(
    stream,
    revision ?? 'no-stream',
    events.map((event) => toAppend(event)),
  );
  return position;
}
