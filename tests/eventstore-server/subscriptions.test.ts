import { randomUUID } from 'node:crypto';
import {
  END,
  type EventStoreDBClient,
  eventTypeFilter,
  excludeSystemEvents,
  NO_STREAM,
  type Position,
  START,
  StreamDeletedError,
  streamNameFilter,
  UnavailableError,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aStream, connect, numbered, numberedUpTo } from './client.ts';
import { type EmbeddedServer, startEmbeddedServer } from './embedded-server.ts';
import { follow } from './subscriber.ts';

let server: EmbeddedServer;
let client: EventStoreDBClient;

beforeAll(async () => {
  server = await startEmbeddedServer();
  client = connect(server);
  await client.appendToStream(aStream('warm-up'), numbered(0));
});
afterAll(async () => {
  expect(server.faults).toEqual([]);
  await client.dispose();
  await server.stop();
});

async function streamOf(count: number, stream = aStream()): Promise<string> {
  await client.appendToStream(stream, numberedUpTo(count), { expectedRevision: NO_STREAM });
  return stream;
}

const append = (stream: string, n: number, type?: string) =>
  client.appendToStream(stream, numbered(n, randomUUID(), type));

describe('a subscription to the log', () => {
  it('delivers what is there, says that it has caught up, and goes on with what is appended', async () => {
    const stream = await streamOf(3);
    const subscriber = await follow(client.subscribeToAll({ fromPosition: START }));
    await subscriber.until(({ story }) => story.includes('caught up'));
    await append(stream, 3);
    await subscriber.until(({ numbers, streams }) => numbers.at(-1) === 3 && streams.at(-1) === stream);
    const mine = subscriber.numbers.filter((_, index) => subscriber.streams[index] === stream);
    expect(mine).toEqual([0, 1, 2, 3]);
    expect(subscriber.story.filter((told) => told === 'caught up')).toHaveLength(1);
    await subscriber.stop();
  });

  it('from the end delivers only what comes', async () => {
    const stream = await streamOf(3);
    const subscriber = await follow(client.subscribeToAll({ fromPosition: END }));
    await append(stream, 3);
    await subscriber.until(({ numbers }) => numbers.length > 0);
    expect(subscriber.story).toEqual(['caught up', 3]);
    await subscriber.stop();
  });

  it('from a position begins behind it, also where that is the last or beyond the end', async () => {
    const stream = await streamOf(3);
    const from = (await client.appendToStream(stream, numbered(3))).position as Position;
    await append(stream, 4);
    const subscriber = await follow(client.subscribeToAll({ fromPosition: from }));
    await subscriber.until(({ story }) => story.includes('caught up'));
    expect(subscriber.story).toEqual([4, 'caught up']);
    const beyond = { commit: from.commit + 3n, prepare: from.commit + 3n };
    const later = await follow(client.subscribeToAll({ fromPosition: beyond }));
    for (const n of [5, 6, 7]) await append(stream, n);
    await later.until(({ numbers }) => numbers.includes(7));
    expect(later.numbers).toEqual([7]);
    await subscriber.until(({ numbers }) => numbers.includes(7));
    expect(subscriber.numbers).toEqual([4, 5, 6, 7]);
    await Promise.all([subscriber.stop(), later.stop()]);
  });

  it('misses nothing of what is appended while it catches up', async () => {
    const [before, during] = [aStream('before'), aStream('during')];
    await streamOf(1_500, before);
    const appending = (async () => {
      for (let n = 0; n < 80; n += 1) await append(during, n);
    })();
    const subscriber = await follow(client.subscribeToAll({ fromPosition: START }));
    await appending;
    await subscriber.until(({ streams }) => streams.filter((stream) => stream === during).length === 80);
    const of = (stream: string) => subscriber.numbers.filter((_, index) => subscriber.streams[index] === stream);
    expect(of(before)).toEqual(Array.from({ length: 1_500 }, (_, n) => n));
    expect(of(during)).toEqual(Array.from({ length: 80 }, (_, n) => n));
    const commits = subscriber.positions.map((position) => position?.commit ?? -1n);
    expect(commits.every((commit, index) => index === 0 || commit > (commits[index - 1] ?? commit))).toBe(true);
    await subscriber.stop();
  });

  it('is ended by the client without a trace', async () => {
    const subscriber = await follow(client.subscribeToAll({ fromPosition: END }));
    await subscriber.stop();
    await append(aStream(), 0);
    expect(subscriber.numbers).toEqual([]);
  });
});

describe('a filter', () => {
  it.each([
    ['names by a prefix', () => streamNameFilter({ prefixes: ['red-', 'blue-'] }), [0, 2]],
    ['names by a regular expression', () => streamNameFilter({ regex: '^(red|green)-' }), [0, 1]],
    ['types by a prefix', () => eventTypeFilter({ prefixes: ['Two'] }), [2]],
    ['types by a regular expression', () => eventTypeFilter({ regex: '^(One|Two)$' }), [1, 2]],
    ['what is not of the system', () => excludeSystemEvents(), [0, 1, 2]],
    ['nothing', () => streamNameFilter({ prefixes: ['nobody-'] }), []],
  ] as const)('chooses %s, live and from the log', async (_what, filter, expected) => {
    const start = (await client.appendToStream(aStream(), numbered(0))).position as Position;
    const live = await follow(client.subscribeToAll({ fromPosition: END, filter: filter() }));
    const [red, green, blue] = [aStream('red'), aStream('green'), aStream('blue')];
    await append(red, 0, 'Zero');
    await append(green, 1, 'One');
    await append(blue, 2, 'Two');
    await client.setStreamMetadata(red, { maxCount: 3 });
    const late = await follow(client.subscribeToAll({ fromPosition: start, filter: filter() }));
    await late.until(({ story }) => story.includes('caught up'));
    await live.until(({ numbers }) => numbers.length === expected.length);
    expect(late.numbers).toEqual(expected);
    expect(live.numbers).toEqual(expected);
    await Promise.all([live.stop(), late.stop()]);
  });

  it.each([
    [
      'a stream name',
      (reached: (position: Position) => void) =>
        streamNameFilter({
          prefixes: ['rare-'],
          maxSearchWindow: 10,
          checkpointInterval: 2,
          checkpointReached: (_, position) => reached(position),
        }),
    ],
    [
      'an event type',
      (reached: (position: Position) => void) =>
        eventTypeFilter({
          prefixes: ['Rare'],
          maxSearchWindow: 10,
          checkpointInterval: 2,
          checkpointReached: (_, position) => reached(position),
        }),
    ],
  ])('by %s tells how far it has looked, though nothing matched', async (_what, filter) => {
    const reached: Position[] = [];
    const subscriber = await follow(
      client.subscribeToAll({ fromPosition: END, filter: filter((position) => reached.push(position)) }),
    );
    const stream = aStream('common');
    for (let n = 0; n < 100; n += 1) await append(stream, n);
    const rare = aStream('rare');
    const last = await client.appendToStream(rare, numbered(7, randomUUID(), 'Rare'));
    await subscriber.until(({ numbers }) => numbers.length > 0);
    expect(reached.length).toBeGreaterThanOrEqual(4);
    expect(reached.length).toBeLessThanOrEqual(6);
    expect(reached.every(({ commit }, index) => index === 0 || commit > (reached[index - 1]?.commit ?? commit))).toBe(
      true,
    );
    expect(reached.at(-1)?.commit).toBeLessThanOrEqual(last.position?.commit ?? 0n);
    await subscriber.stop();
  });

  it('that has caught up has a checkpoint from which nothing is missed and nothing comes twice', async () => {
    const stream = aStream('chosen');
    await append(stream, 0);
    for (let n = 0; n < 50; n += 1) await append(aStream('other'), n);
    const reached: Position[] = [];
    const options = {
      prefixes: ['chosen-'],
      checkpointReached: (_: unknown, position: Position) => reached.push(position),
    };
    const first = await follow(
      client.subscribeToAll({ fromPosition: START, filter: streamNameFilter(options as never) }),
    );
    await first.until(({ story }) => story.includes('caught up'));
    await first.stop();
    await append(stream, 1);
    const fromPosition = reached.at(-1) as Position;
    const second = await follow(
      client.subscribeToAll({ fromPosition, filter: streamNameFilter({ prefixes: ['chosen-'] }) }),
    );
    await second.until(({ numbers }) => numbers.length > 0);
    expect(second.numbers).toEqual([1]);
    await second.stop();
  });

  it('that is no regular expression is refused', async () => {
    const failure = await follow(client.subscribeToAll({ filter: streamNameFilter({ regex: '(' }) })).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ type: 'unknown', code: 2 });
  });
});

describe('a subscription to a stream', () => {
  it.each([
    ['its start', { fromRevision: START }, [0, 1, 2, 'caught up', 3]],
    ['its end', { fromRevision: END }, ['caught up', 3]],
    ['behind a revision', { fromRevision: 0n }, [1, 2, 'caught up', 3]],
    ['behind its last revision', { fromRevision: 2n }, ['caught up', 3]],
  ] as const)('from %s delivers what is behind it and what comes', async (_what, options, expected) => {
    const stream = await streamOf(3);
    const subscriber = await follow(client.subscribeToStream(stream, options));
    await append(`${stream}-with-a-longer-name`, 9);
    await append(stream, 3);
    await subscriber.until(({ numbers }) => numbers.includes(3));
    expect(subscriber.story).toEqual(expected);
    await subscriber.stop();
  });

  it('from a revision that is yet to come begins behind it', async () => {
    const stream = await streamOf(2);
    const subscriber = await follow(client.subscribeToStream(stream, { fromRevision: 3n }));
    for (const n of [2, 3, 4]) await append(stream, n);
    await subscriber.until(({ numbers }) => numbers.includes(4));
    expect(subscriber.numbers).toEqual([4]);
    await subscriber.stop();
  });

  it('waits for a stream that is yet to come', async () => {
    const stream = aStream();
    const subscriber = await follow(client.subscribeToStream(stream));
    await streamOf(2, stream);
    await subscriber.until(({ numbers }) => numbers.length === 2);
    expect(subscriber.story).toEqual(['caught up', 0, 1]);
    await subscriber.stop();
  });

  it('sees what the metadata of the stream leaves of what was there', async () => {
    const stream = await streamOf(5);
    await client.setStreamMetadata(stream, { maxCount: 2 });
    const subscriber = await follow(client.subscribeToStream(stream));
    await append(stream, 5);
    await append(stream, 6);
    await subscriber.until(({ numbers }) => numbers.includes(6));
    expect(subscriber.numbers).toEqual([3, 4, 5, 6]);
    await subscriber.stop();
  });

  it('outlives a deletion, and ends with a tombstone', async () => {
    const stream = await streamOf(1);
    const subscriber = await follow(client.subscribeToStream(stream));
    await client.deleteStream(stream);
    await append(stream, 1);
    await client.tombstoneStream(stream);
    expect(await subscriber.error).toBeInstanceOf(StreamDeletedError);
    expect(subscriber.story).toEqual([0, 'caught up', 1, '$streamDeleted']);
    const late = await follow(client.subscribeToStream(stream));
    expect(await late.error).toBeInstanceOf(StreamDeletedError);
  });

  it('misses nothing of what is appended while it catches up', async () => {
    const stream = await streamOf(1_500);
    const appending = (async () => {
      for (let n = 1_500; n < 1_580; n += 1) await append(stream, n);
    })();
    const subscriber = await follow(client.subscribeToStream(stream));
    await appending;
    await subscriber.until(({ numbers }) => numbers.length >= 1_580);
    expect(subscriber.numbers).toEqual(Array.from({ length: 1_580 }, (_, n) => n));
    await subscriber.stop();
  });
});

describe('a subscriber that is slower than the log', () => {
  it('gets everything in order, and is told when it has caught up again', async () => {
    const stream = aStream('slow');
    const subscription = client.subscribeToAll({
      fromPosition: END,
      filter: streamNameFilter({ prefixes: ['slow-'] }),
    });
    const subscriber = await follow(subscription);
    subscription.pause();
    const large = 'x'.repeat(20_000);
    for (let batch = 0; batch < 20; batch += 1) {
      const events = Array.from({ length: 20 }, (_, n) => ({ ...numbered(batch * 20 + n), metadata: { large } }));
      await client.appendToStream(stream, events);
    }
    expect(subscriber.numbers).toEqual([]);
    subscription.resume();
    await subscriber.until(({ numbers }) => numbers.length === 400);
    expect(subscriber.numbers).toEqual(Array.from({ length: 400 }, (_, n) => n));
    await subscriber.until(({ story }) => story.filter((told) => told === 'caught up').length > 1);
    await subscriber.stop();
  });
});

describe('a server that stops', () => {
  it('tells its subscribers that it is unavailable', async () => {
    const stopping = await startEmbeddedServer();
    const its = connect(stopping);
    const subscribers = [await follow(its.subscribeToAll()), await follow(its.subscribeToStream(aStream()))];
    await stopping.stop();
    for (const { error } of subscribers) expect(await error).toBeInstanceOf(UnavailableError);
    expect(stopping.faults).toEqual([]);
  });
});
