import type { EventStore } from '../ports/event-store.ts';
import type { Checkpoint, CollectionSpec, ReadStore } from '../ports/read-store.ts';

/**
 * The read store numbers versions of a collection `spec version * 1000 + n`: the thousands say which shape the
 * documents have, n counts the rebuilds of that shape and starts again at 0 when it is used up.
 */
const REBUILDS_PER_SHAPE = 1_000;

export const shapeOf = (version: number): number => Math.floor(version / REBUILDS_PER_SHAPE);

export const firstVersionOf = (spec: CollectionSpec): number => spec.version * REBUILDS_PER_SHAPE;

/** A version number of this shape that no version has; the one behind `live` where that is free. */
export function freeVersionOf(spec: CollectionSpec, used: readonly number[], live: number | null): number {
  const first = firstVersionOf(spec);
  const start = live !== null && shapeOf(live) === spec.version ? live - first + 1 : 0;
  for (let tried = 0; tried < REBUILDS_PER_SHAPE; tried += 1) {
    const version = first + ((start + tried) % REBUILDS_PER_SHAPE);
    if (!used.includes(version)) return version;
  }
  throw new Error(`collection ${spec.name} has no free version left`);
}

export const liveVersionOf = async (readStore: ReadStore, name: string): Promise<number | null> =>
  (await readStore.versions(name)).find(({ live }) => live)?.version ?? null;

/** Whether the log still has the checkpoint's event: a log restored from an older backup has another there, or none. */
export async function isInLog(eventStore: EventStore, { position, eventId }: Checkpoint): Promise<boolean> {
  const after = position > 0n ? { after: position - 1n } : {};
  for await (const event of eventStore.readAll({ ...after, limit: 1 })) {
    return event.position === position && event.id === eventId;
  }
  return false;
}
