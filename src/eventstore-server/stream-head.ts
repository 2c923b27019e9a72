import type { EventStore, Position, RecordedEvent } from '../ports/event-store.ts';
import { isTombstone } from './content.ts';
import { limitsOf, METASTREAM_LIMITS, type StreamLimits } from './stream-metadata.ts';
import { isMetastream, LAST_NUMBER, metastreamOf, originalOf } from './wire.ts';

/** A stream before its first event, as the protocol counts. */
export const NO_EVENTS = -1n;

/** Where a stream stands: its last event and what its metadata makes of it. */
export interface StreamHead {
  readonly stream: string;
  /** Revision of the last event; -1 where there is none. */
  readonly revision: bigint;
  readonly position: Position | null;
  /** `deleted`: softly, it can be appended to again. `tombstoned`: never. */
  readonly state: 'open' | 'deleted' | 'tombstoned';
  readonly limits: StreamLimits;
  /** Its last `$metadata` event. */
  readonly metadataEvent: RecordedEvent | null;
}

/** Reads the stream's last event, that of its metastream, and for a metastream that of the stream it is about. */
export async function loadHead(eventStore: EventStore, stream: string): Promise<StreamHead> {
  const last = await lastEvent(eventStore, stream);
  const metadataEvent = await lastEvent(eventStore, metastreamOf(stream));
  const head = { stream, revision: last?.revision ?? NO_EVENTS, position: last?.position ?? null, metadataEvent };
  if (await isTombstoned(eventStore, stream, last)) return { ...head, state: 'tombstoned', limits: {} };
  if (isMetastream(stream)) return { ...head, state: 'open', limits: METASTREAM_LIMITS };
  const limits = metadataEvent === null ? {} : limitsOf(metadataEvent);
  if (limits.truncateBefore !== LAST_NUMBER || metadataEvent === null) return { ...head, state: 'open', limits };
  const deletedAt = metadataEvent.position;
  if (last === null || last.position < deletedAt) return { ...head, state: 'deleted', limits };
  // Appended to since, and the metadata that says so is yet to come or was lost with the process that owed it.
  const truncateBefore = await firstRevision(eventStore, head, 0n, ({ position }) => position > deletedAt);
  return { ...head, state: 'open', limits: { ...limits, truncateBefore } };
}

async function isTombstoned(eventStore: EventStore, stream: string, last: RecordedEvent | null): Promise<boolean> {
  if (last !== null && isTombstone(last)) return true;
  if (!isMetastream(stream)) return false;
  const original = await lastEvent(eventStore, originalOf(stream));
  return original !== null && isTombstone(original);
}

export async function lastEvent(eventStore: EventStore, stream: string): Promise<RecordedEvent | null> {
  for await (const event of eventStore.readStream(stream, { direction: 'backwards', limit: 1 })) return event;
  return null;
}

export async function eventAt(eventStore: EventStore, stream: string, revision: bigint): Promise<RecordedEvent | null> {
  for await (const event of eventStore.readStream(stream, { from: revision, limit: 1 })) {
    return event.revision === revision ? event : null;
  }
  return null;
}

/** The first revision that readers see; behind the last one where they see nothing. */
export async function firstVisible(eventStore: EventStore, head: StreamHead, now: number): Promise<bigint> {
  const { maxCount, maxAgeMs, truncateBefore = 0n } = head.limits;
  const byCount = maxCount === undefined ? 0n : head.revision - maxCount + 1n;
  const first = [0n, byCount, truncateBefore].reduce((a, b) => (a > b ? a : b));
  if (maxAgeMs === undefined) return first;
  return firstRevision(eventStore, head, first, ({ recordedAt }) => recordedAt >= now - maxAgeMs);
}

/** First revision at or behind `from` whose event matches, by bisection: what matches once matches from there on. */
async function firstRevision(
  eventStore: EventStore,
  { stream, revision }: Pick<StreamHead, 'stream' | 'revision'>,
  from: bigint,
  matches: (event: RecordedEvent) => boolean,
): Promise<bigint> {
  let low = from;
  let high = revision + 1n;
  while (low < high) {
    const middle = (low + high) / 2n;
    const event = await eventAt(eventStore, stream, middle);
    if (event !== null && matches(event)) high = middle;
    else low = middle + 1n;
  }
  return low;
}
