import { setTimeout as sleep } from 'node:timers/promises';
import { BACKWARDS, END, FORWARDS, START, type StreamingRead } from '@eventstore/db-client';
import type { Position } from '../../ports/event-store.ts';
import type { ClientSession, ClientSessions } from './client-session.ts';
import { faultOf, unavailable } from './faults.ts';
import { createInbox } from './inbox.ts';
import { backOffMs, type Limits } from './limits.ts';
import { entryOf, type LogEntry, type Resolved } from './recorded-events.ts';

export type Direction = 'forwards' | 'backwards';

export interface StreamRange {
  /** Inclusive; null: the first event forwards, the last backwards. */
  readonly from: bigint | null;
  readonly direction: Direction;
  readonly limit: number;
}

export interface LogRange {
  /** Exclusive; null: the whole log. */
  readonly after: Position | null;
  readonly direction: Direction;
  /** So many are asked for at once; null: all of them, by who will read them all. */
  readonly pageEntries: number | null;
}

/** Reads from the leader; a read that breaks goes on behind what it had. Throws StoreUnavailable. */
export interface LogReader {
  /** A stream that is not there, or was deleted, yields nothing; one that was cut short what is left of it. */
  readStream(stream: string, range: StreamRange): AsyncGenerator<LogEntry>;
  /** To the end of the log, with what the server keeps in streams of its own. */
  readLog(range: LogRange): AsyncGenerator<LogEntry>;
}

/** Entries of a call that are read ahead of their reader. */
const READ_AHEAD = { highWaterMark: 256 };

export function createLogReader(sessions: ClientSessions, limits: Limits): LogReader {
  /** One call after the other, each going on where the one before broke, until one ends or none has got any further. */
  async function* patiently(call: (session: ClientSession) => AsyncIterable<LogEntry>): AsyncGenerator<LogEntry> {
    let progressMs = performance.now();
    for (let failures = 0; ; ) {
      const session = sessions.current();
      try {
        for await (const entry of call(session)) {
          yield entry;
          failures = 0;
          progressMs = performance.now();
        }
        return;
      } catch (thrown) {
        const fault = faultOf(thrown);
        if (fault.kind !== 'again') throw thrown;
        if (fault.newClient) sessions.replace(session);
        failures += 1;
        const waitMs = backOffMs(failures, limits.firstRetryMs, limits.appendRetryMs);
        const over = performance.now() - progressMs + waitMs > limits.readPatienceMs;
        if (over || sessions.isClosed()) throw unavailable('not-done', fault.error);
        await sleep(waitMs);
      }
    }
  }

  async function* entriesOf(session: ClientSession, stream: StreamingRead<Resolved>): AsyncGenerator<LogEntry> {
    const inbox = createInbox<Resolved>(stream);
    try {
      for (;;) {
        const resolved = inbox.take();
        if (resolved !== null) {
          const entry = entryOf(resolved);
          if (entry !== null) yield entry;
        } else if (inbox.ended()) return;
        else await inbox.change(limits.readIdleMs, session.ended);
      }
    } finally {
      // whoever leaves early would leave the call running
      stream.cancel().catch(() => undefined);
    }
  }

  return {
    readStream: (stream, { from, direction, limit }) => {
      const forwards = direction === 'forwards';
      let next = from;
      let left = limit;
      return patiently(async function* (session) {
        if (left <= 0 || (next !== null && next < 0n)) return;
        const call = session.client.readStream(
          stream,
          {
            fromRevision: next ?? (forwards ? START : END),
            direction: forwards ? FORWARDS : BACKWARDS,
            maxCount: countOf(left),
            requiresLeader: true,
          },
          READ_AHEAD,
        );
        try {
          for await (const entry of entriesOf(session, call)) {
            next = forwards ? entry.revision + 1n : entry.revision - 1n;
            left -= 1;
            yield entry;
          }
        } catch (thrown) {
          const { kind } = faultOf(thrown);
          if (kind !== 'no-stream' && kind !== 'deleted') throw thrown;
        }
      });
    },
    readLog: ({ after, direction, pageEntries }) => {
      const forwards = direction === 'forwards';
      const isBehind = (position: Position): boolean =>
        cursor === null || (forwards ? position > cursor : position < cursor);
      let cursor = after !== null && forwards && after < 0n ? null : after;
      let start: Start = 'there';

      async function* page(session: ClientSession): AsyncGenerator<LogEntry, boolean> {
        const from = cursor === null || start === 'anywhere' ? null : start === 'there' ? cursor : cursor + 1n;
        // where it begins is delivered once more, or has to be looked for
        const count = pageEntries === null || start === 'anywhere' ? Number.POSITIVE_INFINITY : pageEntries + 1;
        const call = session.client.readAll(
          {
            fromPosition: from === null ? (forwards ? START : END) : { commit: from, prepare: from },
            direction: forwards ? FORWARDS : BACKWARDS,
            maxCount: countOf(count),
            requiresLeader: true,
          },
          READ_AHEAD,
        );
        let seen = 0;
        for await (const entry of entriesOf(session, call)) {
          seen += 1;
          if (!isBehind(entry.position)) continue;
          cursor = entry.position;
          start = 'there';
          yield entry;
        }
        return seen < count;
      }

      return patiently(async function* (session) {
        for (;;) {
          try {
            if (yield* page(session)) return;
          } catch (thrown) {
            if (faultOf(thrown).kind !== 'invalid-position' || start === 'anywhere') throw thrown;
            start = start === 'there' && forwards ? 'next' : 'anywhere';
          }
        }
      });
    },
  };
}

/**
 * Where a read begins. The server takes only positions at which something is: the one to start behind, else the one
 * after it (for who looks for an event at an exact position), else it looks through the log from its end.
 */
type Start = 'there' | 'next' | 'anywhere';

const countOf = (count: number): number => (Number.isFinite(count) ? count : Number.MAX_SAFE_INTEGER);

/** The latest entry of the log, whatever its stream; null: it is empty. */
export async function lastEntry(reader: LogReader): Promise<LogEntry | null> {
  for await (const entry of reader.readLog({ after: null, direction: 'backwards', pageEntries: 1 })) return entry;
  return null;
}
