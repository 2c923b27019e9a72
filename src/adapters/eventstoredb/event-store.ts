import type { EventStore, ReadAllOptions, RecordedEvent } from '../../ports/event-store.ts';
import { createAppending } from './appending.ts';
import { createClientSessions } from './client-session.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { createLogReader, type LogReader, lastEntry } from './log-reader.ts';
import { createPositions, type Positions } from './positions.ts';
import { proposalOf } from './proposed-events.ts';
import { createTimeline, isWanted } from './recorded-events.ts';
import { subscribe } from './subscription.ts';

export interface EventStoreDbOptions {
  /** `esdb://` or `esdb+discover://`, with hosts, credentials, TLS and whatever else the client takes. */
  readonly connectionString: string;
  readonly limits?: Partial<Limits>;
}

/** Entries asked for at once by who wants a few of those that match. */
const FEW = 64;
const MANY = 1_000;

/**
 * The log in an EventStoreDB, one node or a cluster. Events are JSON, the position is the commit position. Everything
 * goes to the leader and follows it when it changes; what fails on the way is done again. Throws StoreUnavailable where
 * no server answers, an Error where the connection string cannot be read.
 */
export async function openEventStoreDb(options: EventStoreDbOptions): Promise<EventStore> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const sessions = createClientSessions(options.connectionString);
  const reader = createLogReader(sessions, limits);
  const positions = createPositions(reader);
  const positionOf = async (stream: string, revision: bigint): Promise<bigint> => {
    for await (const entry of reader.readStream(stream, { from: revision, direction: 'forwards', limit: 1 }))
      return entry.position;
    throw new Error(`stream ${stream} has no event ${revision}`);
  };
  const append = createAppending({ sessions, limits, positionOf });
  const closing = new AbortController();

  try {
    await lastEntry(reader);
  } catch (error) {
    sessions.close();
    throw error;
  }
  return {
    append: async (stream, expected, events) => append(proposalOf(stream, expected, events)),
    readStream: (stream, { from, direction = 'forwards', limit = Number.POSITIVE_INFINITY } = {}) =>
      readStream(reader, stream, { from: from ?? null, direction, limit }),
    readAll: (readOptions = {}) => readAll(reader, positions, readOptions),
    subscribe: (subscribeOptions) => {
      const signal = AbortSignal.any([subscribeOptions.signal, closing.signal]);
      return subscribe({ sessions, reader, limits, onEntry: positions.note }, { ...subscribeOptions, signal });
    },
    head: positions.head,
    positionAt: positions.positionAt,
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      sessions.close();
    },
  };
}

async function* readStream(
  reader: LogReader,
  stream: string,
  range: Parameters<LogReader['readStream']>[1],
): AsyncGenerator<RecordedEvent> {
  const time = createTimeline(range.direction);
  for await (const entry of reader.readStream(stream, range)) yield entry.event(time(entry.createdAt));
}

async function* readAll(
  reader: LogReader,
  positions: Positions,
  { after, direction = 'forwards', limit = Number.POSITIVE_INFINITY, streams }: ReadAllOptions,
): AsyncGenerator<RecordedEvent> {
  if (limit <= 0 || streams?.prefixes.length === 0) return;
  const time = createTimeline(direction);
  const few = streams === undefined ? limit : Math.max(limit, FEW);
  const pageEntries = Number.isFinite(limit) ? Math.min(few, MANY) : null;
  let left = limit;
  for await (const entry of reader.readLog({ after: after ?? null, direction, pageEntries })) {
    positions.note(entry);
    // the client's reads take no filter
    if (!isWanted(entry.stream, streams)) continue;
    yield entry.event(time(entry.createdAt));
    left -= 1;
    if (left <= 0) return;
  }
}
