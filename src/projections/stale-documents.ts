import type { Position, RecordedEvent } from '../ports/event-store.ts';
import type { Change, Checkpoint, CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';

/** Collection `staleDocuments`: documents that an event could not be folded into, and that stay as they were. */
export interface StaleDocument extends Document {
  /** `<collection>/<version>/<document id>`. */
  readonly id: string;
  readonly collection: string;
  readonly version: number;
  readonly documentId: string;
  readonly position: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly reason: string;
}

export const staleDocumentsCollection: CollectionSpec = { name: 'staleDocuments', version: 1, indexes: [] };

/** A document that could not be brought forward, by which event and why. */
export interface Poisoned {
  readonly id: string;
  readonly event: RecordedEvent;
  readonly reason: string;
}

/** Which documents are parked. They are known before the collection moves on, so that a crash parks them again. */
export interface StaleDocuments {
  has(collection: string, version: number, id: string): boolean;
  list(collection: string, version: number): readonly StaleDocument[];
  park(collection: string, version: number, poisoned: readonly Poisoned[]): Promise<void>;
  /** A version that is gone, or is built anew, has no stale documents. */
  forget(collection: string, version: number): Promise<void>;
}

export async function openStaleDocuments(readStore: ReadStore): Promise<StaleDocuments> {
  const { name, version: storeVersion } = staleDocumentsCollection;
  await readStore.ensure(staleDocumentsCollection);
  const records = new Map<string, StaleDocument>();
  for (const document of await readStore.find(name, {})) records.set(document.id, document as StaleDocument);
  let checkpoint: Checkpoint | null = null;
  let checkpointKnown = false;
  let queue: Promise<unknown> = Promise.resolve();

  /** One write after the other: several folds may park at once. An attempt of unknown outcome may have moved on. */
  const write = (eventId: string, changesAt: (position: Position) => readonly Change[]): Promise<void> => {
    const writeNow = async (): Promise<void> => {
      if (!checkpointKnown) checkpoint = await readStore.checkpoint(name, storeVersion);
      checkpointKnown = false;
      // its positions are its own count: what is parked comes from collections at different places of the log
      const to: Checkpoint = { position: (checkpoint?.position ?? 0n) + 1n, eventId };
      const changes = changesAt(to.position);
      await readStore.write({ projection: name, version: storeVersion, from: checkpoint, to, changes });
      checkpoint = to;
      checkpointKnown = true;
    };
    const done = queue.then(writeNow);
    queue = done.catch(() => undefined);
    return done;
  };

  const keyOf = (collection: string, version: number, id: string): string => `${collection}/${version}/${id}`;

  const listed = (collection: string, version: number): readonly StaleDocument[] =>
    [...records.values()].filter((record) => record.collection === collection && record.version === version);

  return {
    has: (collection, version, id) => records.size > 0 && records.has(keyOf(collection, version, id)),
    list: listed,
    park: async (collection, version, poisoned) => {
      const parked = poisoned.map(
        ({ id, event, reason }): StaleDocument => ({
          id: keyOf(collection, version, id),
          collection,
          version,
          documentId: id,
          position: String(event.position),
          eventId: event.id,
          eventType: event.type,
          reason,
        }),
      );
      await write(parked[0]?.eventId ?? '', (position) =>
        parked.map((document) => ({ kind: 'put', document, position })),
      );
      for (const record of parked) records.set(record.id, record);
    },
    forget: async (collection, version) => {
      const gone = listed(collection, version);
      if (gone.length === 0) return;
      await write('', (position) => gone.map(({ id }) => ({ kind: 'delete', id, position })));
      for (const { id } of gone) records.delete(id);
    },
  };
}
