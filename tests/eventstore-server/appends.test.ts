import { randomUUID } from 'node:crypto';
import {
  ANY,
  BACKWARDS,
  binaryEvent,
  END,
  type EventStoreDBClient,
  jsonEvent,
  MaxAppendSizeExceededError,
  NO_STREAM,
  STREAM_EXISTS,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aStream, collect, connect, failureOf, numbered, numberedUpTo, numbersIn, UNARY } from './client.ts';
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

describe.each([
  ['a batch append', {}],
  ['a unary append', UNARY],
])('%s', (_, path) => {
  const append = (
    stream: string,
    events: Parameters<EventStoreDBClient['appendToStream']>[1],
    expectedRevision: bigint | 'any' | 'no_stream' | 'stream_exists' = ANY,
  ) => client.appendToStream(stream, events, { expectedRevision, ...path });

  it('says the revision and position of the last event', async () => {
    const stream = aStream();
    const first = await append(stream, numberedUpTo(3), NO_STREAM);
    const second = await append(stream, numbered(3), 2n);
    expect(first).toMatchObject({ success: true, nextExpectedRevision: 2n });
    expect(second).toMatchObject({ success: true, nextExpectedRevision: 3n });
    const stored = await collect(client.readStream(stream));
    expect(stored.map(({ event }) => event?.position)).toEqual([
      expect.anything(),
      expect.anything(),
      first.position,
      second.position,
    ]);
    expect(second.position?.commit).toBe(second.position?.prepare);
  });

  it.each([
    ['no stream', NO_STREAM, 2n],
    ['an older revision', 1n, 2n],
    ['a revision that is not there yet', 9n, 2n],
  ] as const)('is refused where it expects %s, with what is there', async (_what, expected, actual) => {
    const stream = aStream();
    await append(stream, numberedUpTo(3), NO_STREAM);
    const failure = await failureOf(append(stream, numbered(9), expected));
    expect(failure).toBeInstanceOf(WrongExpectedVersionError);
    expect(failure).toMatchObject({ streamName: stream, expectedVersion: expected, actualVersion: actual });
    expect(await numbersIn(client.readStream(stream))).toEqual([0, 1, 2]);
  });

  it.each([
    ['any revision of it', STREAM_EXISTS],
    ['a certain revision of it', 0n],
  ] as const)('to a stream that does not exist is refused where it expects %s', async (_what, expected) => {
    const failure = await failureOf(append(aStream(), numbered(0), expected));
    expect(failure).toMatchObject({ expectedVersion: expected, actualVersion: 'no_stream' });
  });

  it('takes the stream as it is where it expects any or an existing one', async () => {
    const stream = aStream();
    await append(stream, numbered(0), ANY);
    await append(stream, numbered(1), ANY);
    const last = await append(stream, numbered(2), STREAM_EXISTS);
    expect(last.nextExpectedRevision).toBe(2n);
    expect(await numbersIn(client.readStream(stream))).toEqual([0, 1, 2]);
  });

  it.each([
    ['at its revision', NO_STREAM, 2n],
    ['anywhere', ANY, ANY],
    ['to an existing stream', STREAM_EXISTS, STREAM_EXISTS],
  ] as const)('repeated %s, after the stream has moved on, gives its first result', async (_what, first, second) => {
    const stream = aStream();
    const begin = numberedUpTo(3);
    const began = await append(stream, begin, first === STREAM_EXISTS ? NO_STREAM : first);
    const more = [numbered(3), numbered(4)];
    const moved = await append(stream, more, second);
    await append(stream, numbered(5), ANY);
    expect(await append(stream, begin, first)).toEqual(began);
    expect(await append(stream, more, second)).toEqual(moved);
    expect(await numbersIn(client.readStream(stream))).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it.each([
    ['at a revision', NO_STREAM],
    ['anywhere', ANY],
  ] as const)('of old and new events %s is refused', async (_what, expected) => {
    const stream = aStream();
    const old = numberedUpTo(2);
    await append(stream, old, NO_STREAM);
    expect(await failureOf(append(stream, [...old, numbered(2)], expected))).toMatchObject({
      expectedVersion: expected,
      actualVersion: 1n,
    });
    expect(await numbersIn(client.readStream(stream))).toEqual([0, 1]);
  });

  it('of more than one MiB is refused, and what follows on the same connection is not', async () => {
    const stream = aStream();
    const large = jsonEvent({ type: 'Large', data: { text: 'x'.repeat(700_000) } });
    const failure = await failureOf(append(stream, [large, { ...large, id: randomUUID() }], NO_STREAM));
    expect(failure).toBeInstanceOf(MaxAppendSizeExceededError);
    const huge = jsonEvent({ type: 'Huge', data: { text: 'x'.repeat(5_000_000) } });
    expect(await failureOf(append(stream, huge, NO_STREAM))).toBeInstanceOf(MaxAppendSizeExceededError);
    await append(stream, large, NO_STREAM);
    expect(await collect(client.readStream(stream))).toHaveLength(1);
  });

  it('of nothing checks what it expects', async () => {
    const stream = aStream();
    expect(await append(stream, [], NO_STREAM)).toMatchObject({ success: true });
    expect(await failureOf(append(stream, [], 0n))).toMatchObject({ actualVersion: 'no_stream' });
    await append(stream, numberedUpTo(2), NO_STREAM);
    expect(await append(stream, [], 1n)).toMatchObject({ nextExpectedRevision: 1n });
    expect(await append(stream, [], ANY)).toMatchObject({ nextExpectedRevision: 1n });
    expect(await failureOf(append(stream, [], NO_STREAM))).toMatchObject({ actualVersion: 1n });
  });

  it.each([
    ['an id that is no UUID', jsonEvent({ id: 'abc', type: 'T', data: {} })],
    ['an id of zeros', jsonEvent({ id: '00000000-0000-0000-0000-000000000000', type: 'T', data: {} })],
    ['no type', jsonEvent({ type: '', data: {} })],
  ])('with %s is refused', async (_what, event) => {
    const stream = aStream();
    const failure = await failureOf(append(stream, event));
    expect(failure).toMatchObject({ type: 'unknown' });
    await append(stream, numbered(0), NO_STREAM);
  });

  it.each(['', 'with\nline'])('to a stream named %j is refused', async (stream) => {
    expect(await failureOf(append(stream, numbered(0)))).toMatchObject({ type: 'unknown' });
  });
});

describe('events', () => {
  it('come back byte for byte, JSON or not', async () => {
    const stream = aStream();
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
    await client.appendToStream(stream, [
      binaryEvent({ type: 'Bytes', data: bytes, metadata: Uint8Array.from([0, 255]) }),
      binaryEvent({ type: 'Nothing', data: new Uint8Array(0) }),
      jsonEvent({
        type: 'Json',
        data: { text: 'für 🐙 \u0000 "x"', list: [1, null] },
        metadata: { $correlationId: 'a' },
      }),
      jsonEvent({ type: 'Value', data: null as never }),
    ]);
    const [raw, nothing, json, value] = (await collect(client.readStream(stream))).map(({ event }) => event);
    expect(raw).toMatchObject({ isJson: false, type: 'Bytes' });
    expect(bytesOf(raw?.data)).toEqual(bytesOf(bytes));
    expect(bytesOf(raw?.metadata)).toEqual([0, 255]);
    expect(bytesOf(nothing?.data)).toEqual([]);
    expect(nothing?.metadata).toBeUndefined();
    expect(json).toMatchObject({
      isJson: true,
      data: { text: 'für 🐙 \u0000 "x"', list: [1, null] },
      metadata: { $correlationId: 'a' },
    });
    expect(value?.data).toBeNull();
  });

  it('have ids in lower case and say when they were recorded', async () => {
    const stream = aStream();
    const id = randomUUID();
    await client.appendToStream(stream, numbered(0, id.toUpperCase()));
    const [read] = await collect(client.readStream(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 }));
    expect(read?.event?.id).toBe(id);
    expect(Math.abs((read?.event?.created.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it("with Scoria's metadata are stored as Scoria's own", async () => {
    const stream = aStream();
    const metadata = {
      commandId: randomUUID(),
      correlationId: `req-${randomUUID()}`,
      causationId: 'test',
      actor: { userId: 'admin', projectId: 'demo', roles: ['admin'], kind: 'user' },
      at: 1_700_000_000_000,
      schemaVersion: 1,
    };
    const event = jsonEvent({ id: randomUUID(), type: 'VolumeRenamed', data: { name: 'a' }, metadata });
    await client.appendToStream(stream, event);
    const [stored] = await collect(server.eventStore.readStream(stream));
    expect(stored).toMatchObject({ id: event.id, type: 'VolumeRenamed', data: { name: 'a' }, revision: 0n });
    expect(stored?.metadata).toEqual(metadata);
    const [read] = await collect(client.readStream(stream));
    expect(read?.event).toMatchObject({ data: { name: 'a' }, metadata });
  });

  it('cannot pass for what the server itself wraps', async () => {
    const stream = aStream();
    const metadata = {
      commandId: 'c',
      correlationId: 'r',
      causationId: 'x',
      actor: { userId: 'u', projectId: 'p', roles: [], kind: 'user' },
      at: 1,
      schemaVersion: 1,
      foreign: { json: false, data: 'text', tombstone: true },
    };
    await client.appendToStream(stream, jsonEvent({ type: 'T', data: { n: 1 }, metadata }));
    await client.appendToStream(stream, numbered(2));
    const read = await collect(client.readStream(stream));
    expect(read.map(({ event }) => event?.metadata)).toEqual([metadata, { about: 2 }]);
  });
});

const bytesOf = (value: unknown): number[] => Array.from(value as Uint8Array);
