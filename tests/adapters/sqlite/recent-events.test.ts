import { describe, expect, it } from 'vitest';
import { openSqliteEventStore } from '../../../src/adapters/sqlite/event-store.ts';
import type { EventStore, RecordedEvent } from '../../../src/ports/event-store.ts';
import { anEvent, collect } from '../../contracts/event-store-fixtures.ts';
import { temporaryDirectories } from './store-files.ts';

const aDirectory = temporaryDirectories();
const STREAMS = ['volume-1', 'volume-2', 'quota-1'];

/** Appends so many events, up to five at a time, over several streams at once. */
async function appendMany(store: EventStore, count: number, revisions = new Map<string, bigint>()): Promise<void> {
  for (let appended = 0; appended < count; ) {
    await Promise.all(
      STREAMS.map(async (stream, index) => {
        const events = Array.from({ length: 1 + ((appended + index) % 5) }, (_, at) =>
          // what JSON leaves out must be left out of what is delivered, too
          anEvent({ at, absent: undefined, text: `${stream}/${at}` }),
        );
        appended += events.length;
        const { revision } = await store.append(stream, revisions.get(stream) ?? 'no-stream', events);
        revisions.set(stream, revision);
      }),
    );
  }
}

/** Delivered events until `count` of them came. */
async function delivered(store: EventStore, count: number, prefixes?: readonly string[]): Promise<RecordedEvent[]> {
  const abort = new AbortController();
  const seen: RecordedEvent[] = [];
  const streams = prefixes === undefined ? {} : { streams: { prefixes } };
  for await (const delivery of store.subscribe({ after: null, signal: abort.signal, ...streams })) {
    if (delivery.kind === 'event') seen.push(delivery.event);
    if (seen.length >= count) abort.abort();
  }
  return seen;
}

describe('a subscription that keeps up with the log', () => {
  it('delivers what a reader finds in the file, in the same order and the same words', async () => {
    const store = await openSqliteEventStore({ file: `${await aDirectory()}/events.db` });
    const live = delivered(store, 3_000);
    await appendMany(store, 3_000);
    const seen = await live;
    expect(seen.length).toBeGreaterThanOrEqual(3_000);
    expect(seen).toStrictEqual(await collect(store.readAll({ limit: seen.length, withText: true })));
    await store.close();
  });

  it('leaves out the streams that were not asked for', async () => {
    const store = await openSqliteEventStore({ file: `${await aDirectory()}/events.db` });
    const live = delivered(store, 500, ['volume-']);
    await appendMany(store, 1_500);
    const seen = await live;
    const inFile = await collect(
      store.readAll({ limit: seen.length, withText: true, streams: { prefixes: ['volume-'] } }),
    );
    expect(seen).toStrictEqual(inFile);
    await store.close();
  });

  it('misses nothing where two stores append to the same file', async () => {
    const file = `${await aDirectory()}/events.db`;
    const [one, other] = [await openSqliteEventStore({ file, pollMs: 5 }), await openSqliteEventStore({ file })];
    const live = delivered(one, 600);
    const revisions = new Map<string, bigint>();
    for (const store of [one, other, one, other, one, other]) await appendMany(store, 100, revisions);
    const seen = await live;
    expect(seen).toStrictEqual(await collect(one.readAll({ limit: seen.length, withText: true })));
    await one.close();
    await other.close();
  });
});
