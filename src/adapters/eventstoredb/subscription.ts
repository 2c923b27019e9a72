import { setTimeout as sleep } from 'node:timers/promises';
import { type Filter, START, streamNameFilter } from '@eventstore/db-client';
import type { Delivery, Position, StreamFilter, SubscribeOptions } from '../../ports/event-store.ts';
import { aborted } from './abort.ts';
import type { ClientSession, ClientSessions } from './client-session.ts';
import { CallLost, faultOf } from './faults.ts';
import { createInbox } from './inbox.ts';
import { backOffMs, type Limits } from './limits.ts';
import type { LogReader } from './log-reader.ts';
import { createTimeline, entryOf, isWanted, type LogEntry, type Resolved } from './recorded-events.ts';

export interface SubscriptionOptions {
  readonly sessions: ClientSessions;
  readonly reader: LogReader;
  readonly limits: Limits;
  readonly onEntry: (entry: LogEntry) => void;
}

/** Events that are read ahead of the subscriber. */
const READ_AHEAD = { highWaterMark: 512 };
/** Read at once to find the end of the log: the last entry is seldom one that is not wanted. */
const END_ENTRIES = 8;
/** Entries that the server looks through before it tells how far it is. */
const SEARCH_WINDOW = 1_000;

/**
 * Delivers the log in order, for ever: the client does not subscribe again when a call breaks, so this does, behind the
 * last event that was taken. Only positions of what was taken count: how far the server has looked runs ahead of events
 * that still wait here, so it is held until nothing does. The server's word that it has caught up is not asked for: what
 * it means by that may lie in front of the end that a read has just seen, and the events between would be passed over.
 */
export async function* subscribe(
  { sessions, reader, limits, onEntry }: SubscriptionOptions,
  { after, streams, signal }: SubscribeOptions,
): AsyncGenerator<Delivery> {
  const time = createTimeline('forwards');
  let cursor = after;
  let failures = 0;

  async function* once(session: ClientSession): AsyncGenerator<Delivery> {
    const before = await Promise.race([endOfLog(reader, cursor, streams), aborted(signal)]);
    const { end, due } = before ?? NOTHING;
    const given = AbortSignal.any([signal, session.ended]);
    let seen = cursor;
    let held: Position | null = null;
    let confirmed = false;
    let news = true;
    const isThrough = (): boolean => due === null || (seen !== null && seen >= due);
    const call = session.client.subscribeToAll(
      {
        fromPosition: cursor === null ? START : { commit: cursor, prepare: cursor },
        filter: filterOf(streams, (position) => {
          held = position;
          inbox.wake();
        }),
      },
      READ_AHEAD,
    );
    const inbox = createInbox<Resolved>(call);
    call.on('confirmation', () => {
      confirmed = true;
      inbox.wake();
    });
    try {
      while (!signal.aborted) {
        const resolved = inbox.take();
        const entry = resolved === null ? null : entryOf(resolved);
        if (entry !== null) {
          if (cursor !== null && entry.position <= cursor) continue;
          seen = entry.position;
          onEntry(entry);
          if (isWanted(entry.stream, streams)) yield { kind: 'event', event: entry.event(time(entry.createdAt)) };
          // only now it is finished
          cursor = entry.position;
          news = true;
          failures = 0;
          continue;
        }
        if (resolved !== null) continue;
        if (isThrough()) held = latest(held, end);
        if (held !== null && (seen === null || held > seen)) {
          seen = held;
          cursor = held;
          news = true;
        }
        if (confirmed && news && isThrough()) {
          news = false;
          failures = 0;
          yield { kind: 'caught-up', position: seen };
          continue;
        }
        if (inbox.ended()) throw new CallLost('the server ended the subscription', false);
        await inbox.change(confirmed ? null : limits.confirmationMs, given);
      }
    } finally {
      call.unsubscribe().catch(() => undefined);
    }
  }

  while (!signal.aborted) {
    const session = sessions.current();
    try {
      yield* once(session);
    } catch (thrown) {
      if (signal.aborted) return;
      const fault = faultOf(thrown);
      if (fault.kind === 'invalid-position' && cursor !== null) cursor = await positionBefore(reader, cursor);
      else if (fault.kind !== 'again') throw thrown;
      else if (fault.newClient) sessions.replace(session);
      failures += 1;
      await sleep(backOffMs(failures, limits.firstRetryMs, limits.longestRetryMs), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }
}

/** The server leaves out what it is not asked for, its own streams among them. */
function filterOf(streams: StreamFilter | undefined, onLookedThrough: (position: Position) => void): Filter {
  const prefixes = streams?.prefixes ?? [];
  const all = prefixes.length === 0 || prefixes.includes('');
  const options = {
    maxSearchWindow: SEARCH_WINDOW,
    checkpointInterval: 1,
    checkpointReached: (_: unknown, { commit }: { readonly commit: bigint }) => onLookedThrough(commit),
  };
  return all
    ? streamNameFilter({ ...options, regex: '^[^$]' })
    : streamNameFilter({ ...options, prefixes: [...prefixes] });
}

/** Where the log ended before a call, and what of it the call is sure to deliver: then all of it was seen. */
interface EndOfLog {
  readonly end: Position | null;
  /** The last that is wanted behind `after`, or else so far back that the server tells of having looked there. */
  readonly due: Position | null;
}

const NOTHING: EndOfLog = { end: null, due: null };

async function endOfLog(
  reader: LogReader,
  after: Position | null,
  streams: StreamFilter | undefined,
): Promise<EndOfLog> {
  let end: Position | null = null;
  let looked = 0;
  for await (const entry of reader.readLog({ after: null, direction: 'backwards', pageEntries: END_ENTRIES })) {
    end ??= entry.position;
    looked += 1;
    if (after !== null && entry.position <= after) break;
    if (streams?.prefixes.length === 0) break;
    if (looked === SEARCH_WINDOW || isWanted(entry.stream, streams)) return { end, due: entry.position };
  }
  return { end, due: null };
}

const latest = (one: Position | null, other: Position | null): Position | null =>
  one === null || (other !== null && other > one) ? other : one;

/** The last place of the log in front of a position at which nothing is. */
async function positionBefore(reader: LogReader, position: Position): Promise<Position | null> {
  for await (const entry of reader.readLog({ after: position, direction: 'backwards', pageEntries: 1 }))
    return entry.position;
  return null;
}
