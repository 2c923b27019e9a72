import type { RecordedEvent } from '../../src/ports/event-store.ts';
import type { Document } from '../../src/ports/read-store.ts';
import { allProjections } from '../../src/projections/all.ts';
import { decodeRecorded } from '../../src/projections/catalogue.ts';
import { wants } from '../../src/projections/wanted-streams.ts';

/** A recorded event as its line in a golden log: big integers as texts. */
export const lineOf = (event: RecordedEvent): string =>
  JSON.stringify({ ...event, revision: String(event.revision), position: String(event.position) });

export function eventOf(line: string): RecordedEvent {
  const parsed = JSON.parse(line) as RecordedEvent & { revision: string; position: string };
  return { ...parsed, revision: BigInt(parsed.revision), position: BigInt(parsed.position) };
}

/** Every read model of a log, by collection: its documents in the order of their ids. */
export function documentsOf(events: readonly RecordedEvent[]): Readonly<Record<string, readonly Document[]>> {
  const decoded = events.map(decodeRecorded);
  return Object.fromEntries(
    allProjections.map((projection) => {
      const documents = new Map<string, Document>();
      for (const event of decoded) {
        if (!wants(projection.streams, event.stream)) continue;
        for (const id of projection.idsOf(event)) {
          const after = projection.apply(documents.get(id) ?? null, event, id);
          if (after === null) documents.delete(id);
          else documents.set(id, after);
        }
      }
      return [projection.collection.name, [...documents.values()].sort((a, b) => (a.id < b.id ? -1 : 1))];
    }),
  );
}
