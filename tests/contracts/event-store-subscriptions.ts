import { describe, expect, it } from 'vitest';
import type { EventStore } from '../../src/ports/event-store.ts';
import {
  anEvent,
  caughtUp,
  collect,
  deliveriesUntil,
  events,
  eventsOf,
  numbersOf,
  ownStreams,
  range,
} from './event-store-fixtures.ts';

/** Part of the event store's contract: subscriptions. */
export function describeSubscriptions(storeOf: () => EventStore): void {
  describe('a subscription', () => {
    it('delivers what is there, says that it has caught up, then delivers what comes', async () => {
      const { stream, streams } = ownStreams();
      const name = stream();
      await storeOf().append(name, 'no-stream', events(3));
      const stop = new AbortController();
      let appended = false;
      const deliveries = await deliveriesUntil(
        storeOf().subscribe({ after: null, streams, signal: stop.signal }),
        (seen) => {
          if (caughtUp(seen) && !appended) {
            appended = true;
            void storeOf().append(name, 2n, [anEvent({ n: 3 })]);
          }
          return caughtUp(seen) && eventsOf(seen).length === 4;
        },
      );
      expect(numbersOf(eventsOf(deliveries))).toEqual([0, 1, 2, 3]);
      const kinds = deliveries.map((delivery) => delivery.kind);
      expect(kinds.indexOf('caught-up')).toBe(3);
      const last = deliveries.at(-1);
      expect(last?.kind === 'caught-up' && (last.position ?? 0n) >= (eventsOf(deliveries)[3]?.position ?? 0n)).toBe(
        true,
      );
      stop.abort();
    });

    it('moves on over streams it does not want, and tells how far it has seen', async () => {
      const { stream, streams } = ownStreams();
      const unwanted = await storeOf().append(ownStreams().stream(), 'no-stream', events(5));
      const stop = new AbortController();
      const [first] = await deliveriesUntil(
        storeOf().subscribe({ after: null, streams: { prefixes: [stream('nothing')] }, signal: stop.signal }),
        caughtUp,
      );
      expect(first?.kind === 'caught-up' && first.position !== null && first.position >= unwanted.position).toBe(true);
      expect(streams.prefixes).toHaveLength(1);
      stop.abort();
    });

    it('starts behind the position it is given', async () => {
      const { stream, streams } = ownStreams();
      const name = stream();
      const { position } = await storeOf().append(name, 'no-stream', events(3));
      await storeOf().append(name, 2n, [anEvent({ n: 3 })]);
      const stop = new AbortController();
      const deliveries = await deliveriesUntil(
        storeOf().subscribe({ after: position, streams, signal: stop.signal }),
        caughtUp,
      );
      expect(numbersOf(eventsOf(deliveries))).toEqual([3]);
      stop.abort();
    });

    it('delivers every event once and in order while many are appended', async () => {
      const { stream, streams } = ownStreams();
      const stop = new AbortController();
      const watching = [1, 2].map(() =>
        deliveriesUntil(
          storeOf().subscribe({ after: null, streams, signal: stop.signal }),
          (seen) => eventsOf(seen).length === 600,
        ),
      );
      const names = range(1, 20).map((n) => stream(String(n)));
      await Promise.all(
        names.map(async (name, writer) => {
          for (const n of range(0, 29)) {
            await storeOf().append(name, n === 0 ? 'no-stream' : BigInt(n - 1), [anEvent({ n: writer * 1_000 + n })]);
          }
        }),
      );
      const log = await collect(storeOf().readAll({ streams }));
      for (const deliveries of await Promise.all(watching)) {
        expect(eventsOf(deliveries).map((event) => event.id)).toEqual(log.map((event) => event.id));
      }
      stop.abort();
    });

    it('ends without an error when it is aborted: before it starts, while it waits, while it delivers', async () => {
      const { stream, streams } = ownStreams();
      await storeOf().append(stream(), 'no-stream', events(50));
      expect(await collect(storeOf().subscribe({ after: null, streams, signal: AbortSignal.abort() }))).toEqual([]);
      const waiting = new AbortController();
      setTimeout(() => waiting.abort(), 100);
      expect(
        eventsOf(await collect(storeOf().subscribe({ after: null, streams, signal: waiting.signal }))),
      ).toHaveLength(50);
      const delivering = new AbortController();
      let seen = 0;
      for await (const delivery of storeOf().subscribe({ after: null, streams, signal: delivering.signal })) {
        if (delivery.kind === 'event') seen += 1;
        if (seen === 10) delivering.abort();
      }
      expect(seen).toBe(10);
    });
  });
}
