import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AppendResult,
  type EventStore,
  type EventToAppend,
  type ExpectedRevision,
  type Position,
  type RecordedEvent,
  RevisionConflict,
  StoreUnavailable,
} from '../ports/event-store.ts';
import type { CommittedIds } from './committed-ids.ts';
import { toAppend, type Writer, wireContentOf } from './content.ts';
import { lastEvent, loadHead, NO_EVENTS, type StreamHead } from './stream-head.ts';
import { undeletedMetadata } from './stream-metadata.ts';
import { isMetastream, metastreamOf, originalOf } from './wire.ts';

/** What writes to the log, and what must follow a write. */
export interface LogWriter {
  readonly eventStore: EventStore;
  readonly ids: CommittedIds;
  /** Streams known to be neither deleted nor tombstoned; only what runs alone in their lane may change that. */
  readonly open: RecentStreams;
  /** Appends, notes the ids, and sends the same again where the outcome is not known. */
  store(stream: string, after: bigint, events: readonly EventToAppend[]): Promise<AppendResult>;
  /**
   * Appends to a stream that nothing says of, and tells whether that made it; null: it was there, or this repeats what
   * made it. Runs alone.
   */
  create(stream: string, events: readonly EventToAppend[]): Promise<AppendResult | null>;
  /** Appends a `$metadata` event behind the last one, which is at revision `after`. */
  storeMetadata(stream: string, text: string, after: bigint, writer: Writer): Promise<AppendResult>;
  /** The stream and, where it is a metastream, the one that it is about. */
  load(stream: string): Promise<Loaded>;
  /** An append to a deleted stream brings it back; so does one to its metastream. */
  written(loaded: Loaded, last: EventToAppend): Promise<void>;
  /** A deleted stream begins anew behind its last event. */
  reopen(head: StreamHead): Promise<void>;
}

export interface Loaded {
  readonly head: StreamHead;
  readonly subject: StreamHead | null;
}

export interface RecentStreams {
  has(stream: string): boolean;
  add(stream: string): void;
  delete(stream: string): void;
}

export interface LogWriterOptions {
  readonly eventStore: EventStore;
  readonly ids: CommittedIds;
  readonly rememberedStreams: number;
  /** Who writes the metadata that nobody asked for. */
  readonly system: () => Writer;
  /** Told of what was stored though the metadata that belongs to it was not. */
  readonly onFault: (error: unknown) => void;
}

const MAX_ATTEMPTS = 3;

/** Before the first position of any log. */
const NOWHERE: Position = -1n;

export const expectedOf = (after: bigint): ExpectedRevision => (after === NO_EVENTS ? 'no-stream' : after);

export const textOf = (event: EventToAppend | RecordedEvent): string =>
  Buffer.from(wireContentOf(event).data).toString('utf8');

export function createLogWriter({ eventStore, ids, rememberedStreams, system, onFault }: LogWriterOptions): LogWriter {
  const open = createRecentStreams(rememberedStreams);
  /** The end of the log when this was first asked for, and the last position of what this appended. */
  let firstEnd: Position | null = null;
  let lastWritten: Position = NOWHERE;

  /** True where it lies behind all that this is known to have appended; a repeated append does not. */
  const note = (stream: string, events: readonly EventToAppend[], { revision, position }: AppendResult): boolean => {
    const stored = events.map(({ id }) => id);
    ids.note(stream, stored, revision);
    if (position <= lastWritten) return false;
    lastWritten = position;
    return true;
  };

  const store: LogWriter['store'] = async (stream, after, events) => {
    const result = await appendPatiently(eventStore, stream, expectedOf(after), events);
    note(stream, events, result);
    return result;
  };

  // A repeat is told by its position. A tombstone lies at `firstEnd` or before, or this has written it: what it ends lies
  // before that, so that what lies behind both is in no stream that was ended.
  const create: LogWriter['create'] = async (stream, events) => {
    firstEnd ??= (await eventStore.head()) ?? NOWHERE;
    if ((await lastEvent(eventStore, metastreamOf(stream))) !== null) return null;
    try {
      const result = await appendPatiently(eventStore, stream, 'no-stream', events);
      const isLast = note(stream, events, result);
      if (!isLast || result.position <= firstEnd) return null;
      open.add(stream);
      return result;
    } catch (error) {
      if (error instanceof RevisionConflict) return null;
      throw error;
    }
  };

  const storeMetadata: LogWriter['storeMetadata'] = (stream, text, after, writer) => {
    const content = { json: true, data: Buffer.from(text), metadata: new Uint8Array(0) };
    return store(metastreamOf(stream), after, [toAppend({ id: randomUUID(), type: '$metadata', ...content }, writer)]);
  };

  /** Readers see the stream as it is to be even where this fails (see `loadHead`). */
  const begin = async (head: StreamHead, metadata: string, after: bigint): Promise<void> => {
    const text = undeletedMetadata(metadata, head.revision + 1n);
    if (text === null) return;
    try {
      await storeMetadata(head.stream, text, after, system());
    } catch (error) {
      onFault(error);
    }
  };

  const reopen: LogWriter['reopen'] = async (head) => {
    const { metadataEvent } = head;
    if (head.state === 'deleted' && metadataEvent !== null) {
      await begin(head, textOf(metadataEvent), metadataEvent.revision);
    }
  };

  return {
    eventStore,
    ids,
    open,
    store,
    create,
    storeMetadata,
    reopen,
    load: async (stream) => ({
      head: await loadHead(eventStore, stream),
      subject: isMetastream(stream) ? await loadHead(eventStore, originalOf(stream)) : null,
    }),
    written: async ({ head, subject }, last) => {
      if (subject === null) {
        await reopen(head);
        open.add(head.stream);
        return;
      }
      open.delete(subject.stream);
      if (subject.state !== 'deleted') return;
      const stored = await lastEvent(eventStore, head.stream);
      if (stored !== null) await begin(subject, textOf(last), stored.revision);
    },
  };
}

async function appendPatiently(
  eventStore: EventStore,
  stream: string,
  expected: ExpectedRevision,
  events: readonly EventToAppend[],
): Promise<AppendResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await eventStore.append(stream, expected, events);
    } catch (error) {
      const unknown = error instanceof StoreUnavailable && error.outcome === 'unknown';
      if (!unknown || attempt >= MAX_ATTEMPTS) throw error;
      await sleep(50 * attempt);
    }
  }
}

function createRecentStreams(capacity: number): RecentStreams {
  const kept = new Set<string>();
  return {
    has: (stream) => kept.has(stream),
    add: (stream) => {
      kept.delete(stream);
      kept.add(stream);
      if (kept.size <= capacity) return;
      const oldest = kept.values().next();
      if (oldest.done !== true) kept.delete(oldest.value);
    },
    delete: (stream) => {
      kept.delete(stream);
    },
  };
}
