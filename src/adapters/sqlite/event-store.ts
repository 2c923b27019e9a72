import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';
import {
  type AppendResult,
  type EventStore,
  type EventToAppend,
  type ExpectedRevision,
  type ReadAllOptions,
  type ReadStreamOptions,
  type RecordedEvent,
  RevisionConflict,
  StoreUnavailable,
} from '../../ports/event-store.ts';
import { createCommitSignal } from './commit-signal.ts';
import {
  createEventReader,
  type EventReader,
  type LogScan,
  lastPositionAt,
  matchesNothing,
  PAGE_ROWS,
} from './event-reader.ts';
import { EVENT_STORE_LAYOUT, recordedEventOf } from './event-row.ts';
import { checkEndOfLog } from './event-store-check.ts';
import { createRecentEvents } from './recent-events.ts';
import { openReader, openStoreFile, openStoreFileToRead } from './store-file.ts';
import { positionOrNull, subscribe } from './subscription.ts';
import { type FileWriter, openFileWriter, type WriterThread } from './writer.ts';
import type { AppendUnit } from './writer-protocol.ts';

export interface SqliteEventStoreOptions {
  readonly file: string;
  /** Times of events; the wall clock where there is none. */
  readonly clock?: Pick<Clock, 'now'>;
  /** A thread shared with other stores; without one the store starts its own. */
  readonly writer?: WriterThread;
  /** Reads beside a running server; appends are refused. */
  readonly readOnly?: boolean;
  /** How often a subscription looks for what other processes appended. */
  readonly pollMs?: number;
  /** Benchmarks and tests only: every commit takes so much longer, as on a slow disk. */
  readonly simulateFsyncMs?: number;
  /** Tests only: the file cannot grow beyond so many pages, as on a full disk. */
  readonly maxPages?: number;
}

const DEFAULT_POLL_MS = 250;

/**
 * The event log in one SQLite file (write-ahead log, synchronous = FULL). Appends are written by a thread, and those
 * that wait share one fsync; reads run here on a connection of their own. Header, schema version and the end of the log
 * are checked at opening. Throws DamagedStore or StoreUnavailable.
 */
export async function openSqliteEventStore(options: SqliteEventStoreOptions): Promise<EventStore> {
  const { file } = options;
  const pollMs = options.pollMs ?? DEFAULT_POLL_MS;
  const now = options.clock === undefined ? Date.now : options.clock.now.bind(options.clock);
  if (options.readOnly === true) {
    const database = openStoreFileToRead(file, EVENT_STORE_LAYOUT);
    closingOnFailure(database, () => checkEndOfLog(database, file));
    return eventStoreOn({ file, pollMs, now, database, writer: null });
  }
  const first = openStoreFile(file, EVENT_STORE_LAYOUT);
  try {
    checkEndOfLog(first, file);
    const writer = await openFileWriter(file, options.writer, settingsOf(options));
    const database = openReader(file);
    return eventStoreOn({ file, pollMs, now, database, writer });
  } finally {
    // Closed last: a file without any other connection would be checkpointed and lose its write-ahead log here.
    first.close();
  }
}

const settingsOf = ({ simulateFsyncMs, maxPages }: SqliteEventStoreOptions) => ({
  ...(simulateFsyncMs === undefined ? {} : { simulateFsyncMs }),
  ...(maxPages === undefined ? {} : { maxPages }),
});

function closingOnFailure(database: DatabaseSync, check: () => void): void {
  try {
    check();
  } catch (error) {
    database.close();
    throw error;
  }
}

interface Parts {
  readonly file: string;
  readonly pollMs: number;
  readonly now: () => number;
  readonly database: DatabaseSync;
  readonly writer: FileWriter | null;
}

function eventStoreOn({ file, pollMs, now, database, writer }: Parts): EventStore {
  const reader = createEventReader(database, file);
  const commits = createCommitSignal(() => reader.head(), pollMs);
  const recent = createRecentEvents();
  const closing = new AbortController();

  return {
    append: async (stream, expected, events) => {
      if (writer === null) throw new StoreUnavailable(`${file}: it is open for reading only`, 'not-done');
      const unit = appendUnitOf(stream, expected, events, now());
      const outcome = await writer.submit(unit);
      if (outcome.kind === 'conflict') throw new RevisionConflict(stream, expected);
      recent.add(unit, outcome);
      commits.announce(outcome.position);
      return { revision: BigInt(outcome.revision), position: BigInt(outcome.position) } satisfies AppendResult;
    },
    readStream: (stream, readOptions = {}) => readStream(reader, file, stream, readOptions),
    readAll: (readOptions = {}) => readAll(reader, file, readOptions),
    subscribe: (subscribeOptions) => {
      const signal = AbortSignal.any([subscribeOptions.signal, closing.signal]);
      return subscribe({ file, reader, commits, recent }, { ...subscribeOptions, signal });
    },
    head: async () => positionOrNull(reader.head()),
    positionAt: async (at) => positionOrNull(lastPositionAt(reader, at)),
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      commits.close();
      // The reader first: the last connection to close folds the write-ahead log into the file, and must be able to write.
      database.close();
      await writer?.close();
    },
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL_CHARACTERS = /[\u0000-\u001f]/;

function appendUnitOf(
  stream: string,
  expected: ExpectedRevision,
  events: readonly EventToAppend[],
  now: number,
): AppendUnit {
  if (stream === '' || CONTROL_CHARACTERS.test(stream))
    throw new RangeError(`not a stream name: ${JSON.stringify(stream)}`);
  if (events.length === 0) throw new RangeError(`nothing to append to stream ${stream}`);
  if (expected !== 'no-stream' && expected < 0n) throw new RangeError(`not a revision: ${expected}`);
  return {
    kind: 'append',
    stream,
    expected: expected === 'no-stream' ? -1 : Number(expected),
    now,
    events: events.map(({ id, type, data, metadata }) => ({
      id,
      type,
      data: JSON.stringify(data),
      metadata: JSON.stringify(metadata),
    })),
  };
}

async function* readStream(
  reader: EventReader,
  file: string,
  stream: string,
  { from, direction = 'forwards', limit = Number.POSITIVE_INFINITY }: ReadStreamOptions,
): AsyncGenerator<RecordedEvent> {
  const start = direction === 'forwards' ? 0 : Number.MAX_SAFE_INTEGER;
  let next = from === undefined ? start : Number(from);
  let left = limit;
  while (left > 0) {
    const wanted = Math.min(left, PAGE_ROWS);
    const rows = reader.streamPage(stream, next, direction, wanted);
    for (const row of rows) yield recordedEventOf(row, file);
    const last = rows.at(-1);
    if (last === undefined || rows.length < wanted) return;
    left -= rows.length;
    next = direction === 'forwards' ? last[2] + 1 : last[2] - 1;
    await nextTurn();
  }
}

async function* readAll(
  reader: EventReader,
  file: string,
  { after, direction = 'forwards', limit = Number.POSITIVE_INFINITY, streams, withText = false }: ReadAllOptions,
): AsyncGenerator<RecordedEvent> {
  if (matchesNothing(streams)) return;
  const scan: LogScan = { direction, streams, window: PAGE_ROWS };
  const head = reader.head();
  const end = direction === 'forwards' ? head : 1;
  let position = after === undefined ? (direction === 'forwards' ? 0 : head + 1) : Number(after);
  if (direction === 'backwards') position = Math.min(position, head + 1);
  let left = limit;
  while (left > 0 && (direction === 'forwards' ? position < end : position > end)) {
    const page = reader.logPage(scan, position, end, Math.min(left, PAGE_ROWS));
    for (const row of page.rows) yield recordedEventOf(row, file, withText);
    left -= page.rows.length;
    position = page.scannedTo;
    // The loop serves others between two pages.
    await nextTurn();
  }
}
