import {
  BACKWARDS,
  END,
  type EventStoreDBClient,
  NO_STREAM,
  type Position,
  START,
  StreamNotFoundError,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aStream, collect, connect, failureOf, numbered, numberedUpTo, numbersIn, numbersOf } from './client.ts';
import { type EmbeddedServer, startEmbeddedServer } from './embedded-server.ts';

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

async function streamOf(count: number): Promise<string> {
  const stream = aStream();
  await client.appendToStream(stream, numberedUpTo(count), { expectedRevision: NO_STREAM });
  return stream;
}

describe('a read of a stream', () => {
  it.each([
    ['all of it', {}, [0, 1, 2, 3, 4]],
    ['from a revision on', { fromRevision: 3n }, [3, 4]],
    ['so many', { fromRevision: 1n, maxCount: 2 }, [1, 2]],
    ['past its end', { fromRevision: 9n }, []],
    ['backwards', { direction: BACKWARDS, fromRevision: END }, [4, 3, 2, 1, 0]],
    ['backwards from a revision', { direction: BACKWARDS, fromRevision: 2n, maxCount: 2 }, [2, 1]],
    ['backwards from behind its end', { direction: BACKWARDS, fromRevision: 900n, maxCount: 2 }, [4, 3]],
    ['backwards from its start', { direction: BACKWARDS, fromRevision: START }, [0]],
    ['its last event', { direction: BACKWARDS, fromRevision: END, maxCount: 1 }, [4]],
  ] as const)('gives %s', async (_what, options, expected) => {
    expect(await numbersIn(client.readStream(await streamOf(5), options))).toEqual(expected);
  });

  it('gives a long stream whole, in both directions', async () => {
    const stream = await streamOf(1_000);
    const forwards = await numbersIn(client.readStream(stream));
    expect(forwards).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    const backwards = await numbersIn(client.readStream(stream, { direction: BACKWARDS, fromRevision: END }));
    expect(backwards).toEqual(forwards.toReversed());
  });

  it.each([
    ['forwards', {}],
    ['backwards', { direction: BACKWARDS, fromRevision: END }],
  ] as const)('that is not there says so %s', async (_what, options) => {
    const stream = aStream('missing');
    const failure = await failureOf(numbersIn(client.readStream(stream, options)));
    expect(failure).toBeInstanceOf(StreamNotFoundError);
    expect(failure).toMatchObject({ streamName: stream, type: 'stream-not-found' });
  });

  it('cannot begin at its end forwards', async () => {
    const stream = await streamOf(1);
    expect(await failureOf(numbersIn(client.readStream(stream, { fromRevision: END })))).toMatchObject({
      message: expect.stringContaining('Unexpected ReadStreamResult: Error'),
    });
  });

  it('can be left early', async () => {
    const stream = await streamOf(2_000);
    const reading = client.readStream(stream);
    for await (const { event } of reading) if (event?.revision === 3n) break;
    await reading.cancel();
    expect(await numbersIn(client.readStream(stream, { maxCount: 1 }))).toEqual([0]);
  });

  it('shows events that were appended beside the protocol', async () => {
    const stream = aStream();
    const metadata = {
      commandId: 'c',
      correlationId: 'req-1',
      causationId: 'x',
      actor: { userId: 'u', projectId: 'p', roles: [], kind: 'user' as const },
      at: 7,
      schemaVersion: 1,
    };
    const id = 'ab0c7f0a-6f3c-4f4e-8a55-1f6f0d3d3b11';
    await server.eventStore.append(stream, 'no-stream', [{ id, type: 'VolumeCreated', data: { n: 1 }, metadata }]);
    const [read] = await collect(client.readStream(stream));
    expect(read?.event).toMatchObject({ id, type: 'VolumeCreated', isJson: true, data: { n: 1 }, metadata });
  });
});

describe('a read of the log', () => {
  const mine = (stream: string, options: Parameters<EventStoreDBClient['readAll']>[0]) =>
    collect(client.readAll(options)).then((events) => events.filter(({ event }) => event?.streamId === stream));

  it('gives everything in the order in which it was appended, the same backwards', async () => {
    const [a, b] = [aStream(), aStream()];
    for (const n of [0, 1, 2]) {
      await client.appendToStream(a, numbered(n));
      await client.appendToStream(b, numbered(10 + n));
    }
    const forwards = await collect(client.readAll());
    const numbers = forwards.filter(({ event }) => event?.streamId === a || event?.streamId === b);
    expect(numbersOf(numbers)).toEqual([0, 10, 1, 11, 2, 12]);
    const backwards = await collect(client.readAll({ direction: BACKWARDS, fromPosition: END }));
    expect(backwards.map(({ event }) => event?.id)).toEqual(forwards.map(({ event }) => event?.id).toReversed());
  });

  it('begins with the position it is given forwards, and right before it backwards', async () => {
    const stream = await streamOf(4);
    const positions = (await mine(stream, {})).map(({ event }) => event?.position as Position);
    const [, second, third] = positions as [Position, Position, Position];
    expect(numbersOf(await mine(stream, { fromPosition: second }))).toEqual([1, 2, 3]);
    const before = await mine(stream, { fromPosition: third, direction: BACKWARDS });
    expect(numbersOf(before)).toEqual([1, 0]);
  });

  it('ends behind the end and before the start, and takes so many', async () => {
    await streamOf(3);
    expect(await collect(client.readAll({ fromPosition: END }))).toEqual([]);
    expect(await collect(client.readAll({ fromPosition: { commit: 2n ** 40n, prepare: 2n ** 40n } }))).toEqual([]);
    expect(await collect(client.readAll({ direction: BACKWARDS, fromPosition: START }))).toEqual([]);
    expect(await collect(client.readAll({ maxCount: 2 }))).toHaveLength(2);
    expect(await collect(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 2 }))).toHaveLength(2);
  });

  it('refuses a commit position before the prepare position', async () => {
    const failure = await failureOf(collect(client.readAll({ fromPosition: { commit: 1n, prepare: 2n } })));
    expect(failure).toMatchObject({ type: 'unknown', code: 2 });
  });
});
