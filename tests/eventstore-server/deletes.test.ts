import {
  ANY,
  BACKWARDS,
  END,
  EventStoreDBClient,
  NO_STREAM,
  STREAM_EXISTS,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEventStoreServer } from '../../src/eventstore-server/server.ts';
import { aStream, collect, connect, failureOf, numbered, numberedUpTo, numbersIn, UNARY } from './client.ts';
import { type EmbeddedServer, startEmbeddedServer } from './embedded-server.ts';

let server: EmbeddedServer;
let client: EventStoreDBClient;
let now = Date.now();

beforeAll(async () => {
  server = await startEmbeddedServer({ now: () => now });
  client = connect(server);
  await client.appendToStream(aStream('warm-up'), numbered(0));
});
afterAll(async () => {
  expect(server.faults).toEqual([]);
  await client.dispose();
  await server.stop();
});

async function streamOf(count: number): Promise<string> {
  const stream = aStream();
  await client.appendToStream(stream, numberedUpTo(count), { expectedRevision: NO_STREAM });
  return stream;
}

const numbersOf = (stream: string) => numbersIn(client.readStream(stream));
const backwards = (stream: string) => numbersIn(client.readStream(stream, { direction: BACKWARDS, fromRevision: END }));

describe('a deleted stream', () => {
  it('is not found, and begins anew where it was left', async () => {
    const stream = await streamOf(3);
    const { position } = await client.deleteStream(stream);
    expect(position?.commit).toBe(await server.eventStore.head());
    expect(await failureOf(numbersOf(stream))).toBeInstanceOf(StreamNotFoundError);
    expect(await failureOf(backwards(stream))).toBeInstanceOf(StreamNotFoundError);
    const result = await client.appendToStream(stream, [numbered(3), numbered(4)], { expectedRevision: NO_STREAM });
    expect(result.nextExpectedRevision).toBe(4n);
    expect(await numbersOf(stream)).toEqual([3, 4]);
    expect(await backwards(stream)).toEqual([4, 3]);
    expect((await client.getStreamMetadata(stream)).metadata).toEqual({ truncateBefore: 3 });
  });

  it.each([
    ['any', ANY],
    ['its last revision', 2n],
  ] as const)('is appended to where %s is expected', async (_what, expectedRevision) => {
    const stream = await streamOf(3);
    await client.deleteStream(stream);
    await client.appendToStream(stream, numbered(3), { expectedRevision });
    expect(await numbersOf(stream)).toEqual([3]);
  });

  it('is deleted to whoever expects it to exist', async () => {
    const stream = await streamOf(3);
    await client.deleteStream(stream);
    const failure = await failureOf(client.appendToStream(stream, numbered(3), { expectedRevision: STREAM_EXISTS }));
    expect(failure).toBeInstanceOf(StreamDeletedError);
  });

  it('still knows how it began when that is repeated', async () => {
    const stream = aStream();
    const begin = numberedUpTo(2);
    const began = await client.appendToStream(stream, begin, { expectedRevision: NO_STREAM });
    await client.deleteStream(stream);
    expect(await client.appendToStream(stream, begin, { expectedRevision: NO_STREAM })).toEqual(began);
    expect(await failureOf(numbersOf(stream))).toBeInstanceOf(StreamNotFoundError);
  });

  it('stays in the log', async () => {
    const stream = await streamOf(2);
    await client.deleteStream(stream);
    const log = await collect(client.readAll());
    const about = log.flatMap(({ event }) => (event?.streamId.endsWith(stream) === true ? [event.type] : []));
    expect(about).toEqual(['Counted', 'Counted', '$metadata']);
  });

  it('is seen anew though the metadata that says so is missing', async () => {
    const stream = await streamOf(3);
    await client.deleteStream(stream);
    const [last] = await collect(server.eventStore.readStream(stream, { direction: 'backwards', limit: 1 }));
    if (last === undefined) throw new Error('no event');
    const { metadata } = last;
    const id = '7d0c7f0a-6f3c-4f4e-8a55-1f6f0d3d3b11';
    await server.eventStore.append(stream, 2n, [{ id, type: 'Counted', data: { n: 3 }, metadata }]);
    expect(await numbersOf(stream)).toEqual([3]);
    await client.appendToStream(stream, numbered(4));
    expect(await numbersOf(stream)).toEqual([3, 4]);
  });

  it.each([
    ['no such revision', 7n],
    ['no stream', NO_STREAM],
  ] as const)('is not deleted where %s is expected', async (_what, expectedRevision) => {
    const stream = await streamOf(3);
    const failure = await failureOf(client.deleteStream(stream, { expectedRevision }));
    expect(failure).toBeInstanceOf(WrongExpectedVersionError);
    expect(failure).toMatchObject({
      streamName: stream,
      actualVersion: 2n,
      expectedVersion: expectedRevision === NO_STREAM ? -1n : 7n,
    });
    expect(await numbersOf(stream)).toEqual([0, 1, 2]);
  });

  it('has to be there', async () => {
    const failure = await failureOf(client.deleteStream(aStream()));
    expect(failure).toMatchObject({ expectedVersion: -2n, actualVersion: -1n });
  });
});

describe('a tombstoned stream', () => {
  it('is deleted to readers and writers for ever, its metadata too', async () => {
    const stream = await streamOf(2);
    await client.tombstoneStream(stream, { expectedRevision: 1n });
    expect(await failureOf(numbersOf(stream))).toBeInstanceOf(StreamDeletedError);
    for (const expectedRevision of [ANY, NO_STREAM, STREAM_EXISTS, 1n, 2n] as const) {
      for (const path of [{}, UNARY]) {
        const failure = await failureOf(client.appendToStream(stream, numbered(9), { expectedRevision, ...path }));
        expect(failure).toBeInstanceOf(StreamDeletedError);
      }
    }
    expect(await failureOf(client.setStreamMetadata(stream, { maxCount: 1 }))).toBeInstanceOf(StreamDeletedError);
    expect(await failureOf(client.deleteStream(stream))).toBeInstanceOf(StreamDeletedError);
    expect(await failureOf(client.tombstoneStream(stream))).toBeInstanceOf(StreamDeletedError);
  });

  it('is so to who sends again what began it, with the server that ended it and with the next', async () => {
    const stream = aStream();
    const began = [numbered(0)];
    const append = (by: EventStoreDBClient) => by.appendToStream(stream, began, { expectedRevision: NO_STREAM });
    await append(client);
    expect((await append(client)).nextExpectedRevision).toBe(0n);
    await client.tombstoneStream(stream);
    expect(await failureOf(append(client))).toBeInstanceOf(StreamDeletedError);
    const next = createEventStoreServer({ eventStore: server.eventStore, logger: { error: console.error } });
    const port = await next.listen('127.0.0.1', 0);
    const address = `esdb://admin:changeit@127.0.0.1:${port}?tls=false`;
    const another = EventStoreDBClient.connectionString(address);
    expect(await failureOf(append(another))).toBeInstanceOf(StreamDeletedError);
    await another.dispose();
    await next.close();
  });

  it('ends in the log with an event at the last revision there can be', async () => {
    const stream = await streamOf(1);
    const { position } = await client.tombstoneStream(stream);
    const [last] = await collect(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }));
    expect(last?.event).toMatchObject({ streamId: stream, type: '$streamDeleted', revision: 2n ** 63n - 1n, position });
  });

  it('need not have existed, nor be there still', async () => {
    const never = aStream();
    await client.tombstoneStream(never);
    expect(await failureOf(client.appendToStream(never, numbered(0)))).toBeInstanceOf(StreamDeletedError);
    const deleted = await streamOf(1);
    await client.deleteStream(deleted);
    await client.tombstoneStream(deleted);
    expect(await failureOf(numbersOf(deleted))).toBeInstanceOf(StreamDeletedError);
  });
});

describe('metadata of a stream', () => {
  it('comes back as it was set, with the position of its event', async () => {
    const stream = await streamOf(1);
    const metadata = { maxCount: 7, maxAge: 3600, truncateBefore: 0, acl: { readRoles: ['a', 'b'] }, own: { deep: 1 } };
    const { position } = await client.setStreamMetadata(stream, metadata);
    expect(await client.getStreamMetadata(stream)).toMatchObject({ metadata, metastreamRevision: position?.commit });
    expect(await client.getStreamMetadata(aStream())).not.toHaveProperty('metadata');
  });

  it('hides all but so many of the last events', async () => {
    const stream = await streamOf(5);
    await client.setStreamMetadata(stream, { maxCount: 2 });
    expect(await numbersOf(stream)).toEqual([3, 4]);
    expect(await backwards(stream)).toEqual([4, 3]);
    expect(await numbersIn(client.readStream(stream, { fromRevision: 1n, maxCount: 1 }))).toEqual([3]);
    expect(await numbersIn(client.readStream(stream, { direction: BACKWARDS, fromRevision: 1n }))).toEqual([]);
    await client.appendToStream(stream, numbered(5), { expectedRevision: 4n });
    expect(await numbersOf(stream)).toEqual([4, 5]);
  });

  it('hides what is before a revision, until it says otherwise', async () => {
    const stream = await streamOf(5);
    await client.setStreamMetadata(stream, { truncateBefore: 3 });
    expect(await numbersOf(stream)).toEqual([3, 4]);
    await client.setStreamMetadata(stream, { truncateBefore: 9 });
    expect(await numbersOf(stream)).toEqual([]);
    await client.setStreamMetadata(stream, {});
    expect(await numbersOf(stream)).toEqual([0, 1, 2, 3, 4]);
  });

  it('hides what is older than so many seconds', async () => {
    const stream = await streamOf(5);
    await client.setStreamMetadata(stream, { maxAge: 60 });
    expect(await numbersOf(stream)).toEqual([0, 1, 2, 3, 4]);
    // by the clock of the store, which goes on while the server's stands still here
    now = Date.now() + 61_000;
    expect(await numbersOf(stream)).toEqual([]);
    expect(await backwards(stream)).toEqual([]);
    now = Date.now();
    expect(await backwards(stream)).toEqual([4, 3, 2, 1, 0]);
  });

  it('is itself a stream of which readers see the last event', async () => {
    const stream = await streamOf(1);
    await client.setStreamMetadata(stream, { maxCount: 1 });
    await client.setStreamMetadata(stream, { maxCount: 2 }, { expectedRevision: 0n });
    const failure = await failureOf(client.setStreamMetadata(stream, { maxCount: 3 }, { expectedRevision: 0n }));
    expect(failure).toMatchObject({ actualVersion: 1n });
    const events = await collect(client.readStream(`$$${stream}`));
    expect(events.map(({ event }) => event?.revision)).toEqual([1n]);
  });

  it('of a stream without events is enough for it to exist', async () => {
    const stream = aStream();
    await client.setStreamMetadata(stream, { maxCount: 2 });
    await client.appendToStream(stream, numbered(0), { expectedRevision: STREAM_EXISTS });
    expect(await numbersOf(stream)).toEqual([0]);
  });

  it('that is set on a deleted stream brings it back, empty', async () => {
    const stream = await streamOf(2);
    await client.deleteStream(stream);
    await client.setStreamMetadata(stream, { maxCount: 9 });
    expect(await numbersOf(stream)).toEqual([]);
    expect((await client.getStreamMetadata(stream)).metadata).toEqual({ maxCount: 9, truncateBefore: 2 });
    await client.appendToStream(stream, numbered(2), { expectedRevision: 1n });
    expect(await numbersOf(stream)).toEqual([2]);
  });
});
