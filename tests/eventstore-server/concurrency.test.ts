import { randomUUID } from 'node:crypto';
import { ANY, type EventStoreDBClient, NO_STREAM, StreamDeletedError } from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EventStore, RevisionConflict, StoreUnavailable } from '../../src/ports/event-store.ts';
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

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe('appends that do not wait for each other', () => {
  it('at explicit revisions land in their order', async () => {
    const stream = aStream();
    await client.appendToStream(stream, numbered(0), { expectedRevision: NO_STREAM });
    const results = await Promise.all(
      range(2_000).map((n) => client.appendToStream(stream, numbered(n + 1), { expectedRevision: BigInt(n) })),
    );
    expect(results.map(({ nextExpectedRevision }) => nextExpectedRevision)).toEqual(
      range(2_000).map((n) => BigInt(n + 1)),
    );
    expect(await numbersIn(client.readStream(stream))).toEqual(range(2_001));
  });

  it('to a new stream land in their order, the first one too', async () => {
    const stream = aStream();
    await Promise.all(
      range(50).map((n) =>
        client.appendToStream(stream, numbered(n), { expectedRevision: n === 0 ? NO_STREAM : BigInt(n - 1) }),
      ),
    );
    expect(await numbersIn(client.readStream(stream))).toEqual(range(50));
  });

  it('without an expected revision land in their order, each told its own revision and position', async () => {
    const stream = aStream();
    const results = await Promise.all(range(500).map((n) => client.appendToStream(stream, numbered(n))));
    expect(results.map(({ nextExpectedRevision }) => nextExpectedRevision)).toEqual(range(500).map(BigInt));
    const stored = await collect(client.readStream(stream));
    expect(await numbersIn(client.readStream(stream))).toEqual(range(500));
    expect(results.map(({ position }) => position)).toEqual(stored.map(({ event }) => event?.position));
  });

  it('mixed with and without, keep their order', async () => {
    const stream = aStream();
    await client.appendToStream(stream, numbered(0), { expectedRevision: NO_STREAM });
    await Promise.all(
      range(300).map((n) =>
        client.appendToStream(stream, numbered(n + 1), { expectedRevision: n % 3 === 0 ? ANY : BigInt(n) }),
      ),
    );
    expect(await numbersIn(client.readStream(stream))).toEqual(range(301));
  });
});

describe('writers against each other', () => {
  it('of one new stream: exactly one of a hundred wins', async () => {
    const stream = aStream();
    const outcomes = await Promise.allSettled(
      range(100).map((n) => client.appendToStream(stream, numbered(n), { expectedRevision: NO_STREAM })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await collect(client.readStream(stream))).toHaveLength(1);
  });

  it('of the same append, sent many times at once: it is stored once, and all are told the same', async () => {
    for (const expectedRevision of [ANY, NO_STREAM] as const) {
      const stream = aStream();
      const events = numberedUpTo(3);
      const results = await Promise.all(
        range(20).map((n) =>
          client.appendToStream(stream, events, { expectedRevision, ...(n % 2 === 0 ? {} : UNARY) }),
        ),
      );
      expect(new Set(results.map(({ position }) => position?.commit)).size).toBe(1);
      expect(await numbersIn(client.readStream(stream))).toEqual([0, 1, 2]);
    }
  });

  it('of streams of their own all succeed', async () => {
    const prefix = `own-${randomUUID()}`;
    const results = await Promise.all(
      range(300).map((n) => client.appendToStream(`${prefix}-${n}`, numbered(n), { expectedRevision: NO_STREAM })),
    );
    expect(new Set(results.map(({ position }) => position?.commit)).size).toBe(300);
  });

  it('through the protocol and beside it, into one stream: nothing is lost or doubled', async () => {
    const stream = aStream();
    const metadata = (await storedMetadata()) as never;
    const beside = (async () => {
      for (let n = 0; n < 60; ) {
        const [last] = await collect(server.eventStore.readStream(stream, { direction: 'backwards', limit: 1 }));
        const event = { id: randomUUID(), type: 'Beside', data: { n: 1_000 + n }, metadata };
        try {
          await server.eventStore.append(stream, last?.revision ?? 'no-stream', [event]);
          n += 1;
        } catch (error) {
          if (!(error instanceof RevisionConflict)) throw error;
        }
      }
    })();
    const through = (async () => {
      for (let round = 0; round < 20; round += 1) {
        await Promise.all(range(5).map((n) => client.appendToStream(stream, numbered(round * 5 + n))));
      }
    })();
    await Promise.all([beside, through]);
    const numbers = (await numbersIn(client.readStream(stream))) as number[];
    expect(numbers.filter((n) => n < 1_000)).toEqual(range(100));
    expect(numbers.filter((n) => n >= 1_000)).toEqual(range(60).map((n) => 1_000 + n));
  });

  it('and a tombstone: what was acknowledged is before it, and nothing is behind it', async () => {
    const stream = aStream();
    await client.appendToStream(stream, numbered(0));
    const outcomes = await Promise.allSettled([
      ...range(50).map((n) => client.appendToStream(stream, numbered(n + 1))),
      client.tombstoneStream(stream),
      ...range(50).map((n) => client.appendToStream(stream, numbered(n + 51))),
    ]);
    const acknowledged = outcomes.filter(({ status }) => status === 'fulfilled').length - 1;
    const stored = await collect(server.eventStore.readStream(stream));
    expect(stored.at(-1)?.type).toBe('$streamDeleted');
    expect(stored).toHaveLength(acknowledged + 2);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StreamDeletedError);
    }
  });

  it('and deletions: every acknowledged append is stored once, and the last word decides what is seen', async () => {
    const stream = aStream();
    await client.appendToStream(stream, numbered(0));
    const results = await Promise.all(
      range(60).map((n) =>
        n % 10 === 9 ? client.deleteStream(stream) : client.appendToStream(stream, numbered(n + 1)),
      ),
    );
    expect(results).toHaveLength(60);
    await client.appendToStream(stream, numbered(99));
    const stored = await collect(server.eventStore.readStream(stream));
    expect(stored).toHaveLength(56);
    const seen = await numbersIn(client.readStream(stream));
    expect(seen.at(-1)).toBe(99);
    const { metadata } = await client.getStreamMetadata(stream);
    expect(seen).toHaveLength(56 - Number(metadata?.truncateBefore ?? 0));
  });

  const storedMetadata = async (): Promise<unknown> => {
    const [event] = await collect(server.eventStore.readAll({ limit: 1 }));
    return event?.metadata;
  };
});

describe('a store that cannot write', () => {
  /** Appends fail as `next` says, once or for good; `unknown` is stored all the same. */
  const troubled = (store: EventStore, next: () => 'not-done' | 'unknown' | null): EventStore => ({
    ...store,
    append: async (stream, expected, events) => {
      const trouble = next();
      if (trouble === null) return store.append(stream, expected, events);
      if (trouble === 'unknown') await store.append(stream, expected, events);
      throw new StoreUnavailable('the disk is full', trouble);
    },
  });

  it.each([
    [
      'is told as a server that is not ready, and stores nothing',
      'not-done',
      { message: 'Could not recognize Server Is Not Ready' },
      { type: 'unavailable', code: 14 },
      0,
    ],
    [
      'whose outcome is not known is told as a timeout',
      'unknown',
      { type: 'deadline-exceeded' },
      { type: 'timeout', code: 10 },
      1,
    ],
  ] as const)('%s', async (_what, outcome, batch, unary, stored) => {
    let failing = false;
    const failingServer = await startEmbeddedServer({
      between: (store) => troubled(store, () => (failing ? outcome : null)),
    });
    const its = connect(failingServer);
    await its.appendToStream(aStream('warm-up'), numbered(0));
    failing = true;
    for (const [path, expected] of [
      [{}, batch],
      [UNARY, unary],
    ] as const) {
      const stream = aStream();
      const event = numbered(0);
      const append = () => its.appendToStream(stream, event, { expectedRevision: NO_STREAM, ...path });
      expect(await failureOf(append())).toMatchObject(expected);
      expect(await collect(failingServer.eventStore.readStream(stream))).toHaveLength(stored);
      failing = false;
      expect(await append()).toMatchObject({ nextExpectedRevision: 0n });
      expect(await collect(failingServer.eventStore.readStream(stream))).toHaveLength(1);
      failing = true;
    }
    expect(failingServer.faults).toEqual([]);
    await its.dispose();
    await failingServer.stop();
  });

  it('for a moment only is not noticed where the outcome was not known: the same is sent again', async () => {
    let left = 0;
    const flaky = await startEmbeddedServer({
      between: (store) =>
        troubled(store, () => {
          left -= 1;
          return left >= 0 ? 'unknown' : null;
        }),
    });
    const its = connect(flaky);
    const stream = aStream();
    for (const n of range(5)) {
      left = 1;
      await its.appendToStream(stream, numbered(n));
    }
    expect(await numbersIn(its.readStream(stream))).toEqual(range(5));
    await its.dispose();
    await flaky.stop();
  });
});
