import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EventStore, RevisionConflict } from '../../src/ports/event-store.ts';
import { anEvent, collect, events, numbersOf, ownStreams, range } from './event-store-fixtures.ts';
import { describeReading } from './event-store-reading.ts';
import { describeSubscriptions } from './event-store-subscriptions.ts';

/** A store under test; it may hold other events already, so tests look only at streams of their own. */
export interface OpenedEventStore {
  readonly store: EventStore;
  /** Closes the store and opens it again on the same data, where it keeps any. */
  readonly reopen?: () => Promise<EventStore>;
  readonly cleanup: () => Promise<void>;
}

/** What every event store must do, whatever engine it runs on. */
export function eventStoreContract(name: string, open: () => Promise<OpenedEventStore>): void {
  describe(`event store on ${name}`, () => {
    let opened: OpenedEventStore;
    let store: EventStore;

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
    });
    afterAll(() => opened.cleanup());

    describe('append', () => {
      it('stores events as they were given, numbered within their stream', async () => {
        const { stream } = ownStreams();
        const name = stream();
        const given = [
          anEvent({ text: 'für 🐙 \u0000 "x"', list: [1, null, { deep: true }] }, 'VolumeCreated'),
          anEvent({}),
        ];
        const result = await store.append(name, 'no-stream', given);
        const stored = await collect(store.readStream(name));
        expect(stored.map(({ id, type, data, metadata }) => ({ id, type, data, metadata }))).toEqual(given);
        expect(stored.map((event) => event.revision)).toEqual([0n, 1n]);
        expect(stored.map((event) => event.stream)).toEqual([name, name]);
        expect(stored[1]?.position).toBe(result.position);
        expect(result.revision).toBe(1n);
        expect(Math.abs((stored[0]?.recordedAt ?? 0) - Date.now())).toBeLessThan(60_000);
      });

      it('goes on at the revision the stream is at', async () => {
        const name = ownStreams().stream();
        await store.append(name, 'no-stream', events(3));
        const result = await store.append(name, 2n, events(2));
        expect(result.revision).toBe(4n);
        expect(await collect(store.readStream(name))).toHaveLength(5);
      });

      it.each([
        ['no stream, and there is one', 'no-stream' as const],
        ['an older revision', 0n],
        ['a revision that is not there yet', 7n],
      ])('refuses a writer that expects %s, and stores nothing of it', async (_, expected) => {
        const name = ownStreams().stream();
        await store.append(name, 'no-stream', events(3));
        const refused = store.append(name, expected, events(2));
        await expect(refused).rejects.toThrow(RevisionConflict);
        await expect(refused).rejects.toMatchObject({ stream: name, expected });
        expect(await collect(store.readStream(name))).toHaveLength(3);
      });

      it('refuses a writer that expects a revision of a stream that does not exist', async () => {
        const name = ownStreams().stream();
        await expect(store.append(name, 0n, events(1))).rejects.toThrow(RevisionConflict);
        expect(await collect(store.readStream(name))).toEqual([]);
      });

      it('stores a large event and a long append', async () => {
        const { stream } = ownStreams();
        const [large, long] = [stream(), stream()];
        const text = 'x'.repeat(500_000);
        await store.append(large, 'no-stream', [anEvent({ text })]);
        await store.append(long, 'no-stream', events(1_000));
        expect((await collect(store.readStream(large)))[0]?.data).toEqual({ text });
        expect(numbersOf(await collect(store.readStream(long)))).toEqual(range(0, 999));
      });
    });

    describe('the same events appended again', () => {
      it.each([
        ['to a new stream', 0],
        ['to a stream that was there', 2],
      ])('give the first result %s, and are stored once', async (_, before) => {
        const name = ownStreams().stream();
        if (before > 0) await store.append(name, 'no-stream', events(before));
        const expected = before === 0 ? 'no-stream' : BigInt(before - 1);
        const batch = events(3);
        const first = await store.append(name, expected, batch);
        expect(await store.append(name, expected, batch)).toEqual(first);
        expect(await collect(store.readStream(name))).toHaveLength(before + 3);
      });

      it('give the first result after others have appended behind them', async () => {
        const name = ownStreams().stream();
        const batch = events(2);
        const first = await store.append(name, 'no-stream', batch);
        await store.append(name, 1n, events(4));
        expect(await store.append(name, 'no-stream', batch)).toEqual(first);
        expect(await collect(store.readStream(name))).toHaveLength(6);
      });

      it('give one result when both attempts run at once', async () => {
        const name = ownStreams().stream();
        const batch = events(2);
        const attempts = await Promise.all([1, 2, 3].map(() => store.append(name, 'no-stream', batch)));
        expect(new Set(attempts.map((result) => result.position)).size).toBe(1);
        expect(await collect(store.readStream(name))).toHaveLength(2);
      });

      it('conflict when they are not all the same', async () => {
        const name = ownStreams().stream();
        const [first, second] = [anEvent(), anEvent()];
        await store.append(name, 'no-stream', [first, second]);
        await expect(store.append(name, 'no-stream', [second, first])).rejects.toThrow(RevisionConflict);
        await expect(store.append(name, 'no-stream', [first, second, anEvent()])).rejects.toThrow(RevisionConflict);
      });
    });

    describe('many writers', () => {
      it('of one new stream: exactly one of 200 wins', async () => {
        const name = ownStreams().stream();
        const outcomes = await Promise.allSettled(
          range(1, 200).map((n) => store.append(name, 'no-stream', [anEvent({ n })])),
        );
        const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
        expect(refused).toHaveLength(199);
        for (const { reason } of refused) expect(reason).toBeInstanceOf(RevisionConflict);
        expect(await collect(store.readStream(name))).toHaveLength(1);
      });

      it('of 200 streams: all succeed, each at a position of its own', async () => {
        const { stream, streams } = ownStreams();
        const results = await Promise.all(
          range(1, 200).map((n) => store.append(stream(), 'no-stream', [anEvent({ n })])),
        );
        expect(new Set(results.map((result) => result.position)).size).toBe(200);
        const inLog = await collect(store.readAll({ streams }));
        expect(numbersOf(inLog).sort((a, b) => Number(a) - Number(b))).toEqual(range(1, 200));
      });

      it('of one stream that load and append again: nothing is lost, nothing is doubled', async () => {
        const name = ownStreams().stream();
        const appendOne = async (n: number): Promise<void> => {
          for (;;) {
            const [last] = await collect(store.readStream(name, { direction: 'backwards', limit: 1 }));
            try {
              await store.append(name, last?.revision ?? 'no-stream', [anEvent({ n })]);
              return;
            } catch (error) {
              if (!(error instanceof RevisionConflict)) throw error;
            }
          }
        };
        await Promise.all(
          range(1, 10).map(async (writer) => {
            for (const n of range(1, 5)) await appendOne(writer * 100 + n);
          }),
        );
        const stored = await collect(store.readStream(name));
        expect(stored.map((event) => Number(event.revision))).toEqual(range(0, 49));
        expect(new Set(numbersOf(stored)).size).toBe(50);
      });

      it('one after the other, each waiting for the one before', async () => {
        const name = ownStreams().stream();
        await store.append(name, 'no-stream', [anEvent({ n: 0 })]);
        for (const n of range(1, 300)) await store.append(name, BigInt(n - 1), [anEvent({ n })]);
        expect(numbersOf(await collect(store.readStream(name)))).toEqual(range(0, 300));
      });
    });

    describeReading(() => store);
    describeSubscriptions(() => store);

    it('after it was closed and opened again, it has everything and still knows what was appended', async (context) => {
      if (opened.reopen === undefined) return context.skip();
      const { stream, streams } = ownStreams();
      const name = stream();
      const batch = events(5);
      const first = await store.append(name, 'no-stream', batch);
      const before = await collect(store.readAll({ streams }));
      store = await opened.reopen();
      expect(await collect(store.readAll({ streams }))).toEqual(before);
      expect(await store.append(name, 'no-stream', batch)).toEqual(first);
      await expect(store.append(name, 'no-stream', events(1))).rejects.toThrow(RevisionConflict);
      const next = await store.append(name, 4n, events(1));
      expect(next.revision).toBe(5n);
      expect(next.position).toBeGreaterThan(first.position);
    });
  });
}
