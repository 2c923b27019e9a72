import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EventStore, StreamFilter } from '../../src/ports/event-store.ts';
import { anEvent, collect, events, numbersOf, ownStreams, range } from './event-store-fixtures.ts';

/** Part of the event store's contract: streams, the log, its end and its times. */
export function describeReading(storeOf: () => EventStore): void {
  describe('reading a stream', () => {
    const { stream } = ownStreams();
    const name = stream();
    beforeAll(() =>
      storeOf()
        .append(name, 'no-stream', events(700))
        .then(() => undefined),
    );

    it('that does not exist yields nothing', async () => {
      expect(await collect(storeOf().readStream(stream()))).toEqual([]);
      expect(await collect(storeOf().readStream(stream(), { direction: 'backwards' }))).toEqual([]);
    });
    it('yields its events in order', async () => {
      expect(numbersOf(await collect(storeOf().readStream(name)))).toEqual(range(0, 699));
    });
    it('backwards yields the last first', async () => {
      expect(numbersOf(await collect(storeOf().readStream(name, { direction: 'backwards' })))).toEqual(
        range(0, 699).reverse(),
      );
    });
    it('from a revision begins with it, in both directions', async () => {
      expect(numbersOf(await collect(storeOf().readStream(name, { from: 690n })))).toEqual(range(690, 699));
      expect(numbersOf(await collect(storeOf().readStream(name, { from: 4n, direction: 'backwards' })))).toEqual([
        4, 3, 2, 1, 0,
      ]);
      expect(await collect(storeOf().readStream(name, { from: 700n }))).toEqual([]);
    });
    it('stops at the limit', async () => {
      expect(numbersOf(await collect(storeOf().readStream(name, { limit: 3 })))).toEqual([0, 1, 2]);
      expect(numbersOf(await collect(storeOf().readStream(name, { limit: 2, direction: 'backwards' })))).toEqual([
        699, 698,
      ]);
      expect(numbersOf(await collect(storeOf().readStream(name, { limit: 600, from: 50n })))).toEqual(range(50, 649));
    });
  });

  describe('reading the log', () => {
    const own = ownStreams();
    const other = ownStreams();
    const all: StreamFilter = { prefixes: [own.prefix, other.prefix] };
    let first: bigint;
    beforeAll(async () => {
      for (const n of range(0, 299)) {
        const { stream } = n % 3 === 0 ? other : own;
        const { position } = await storeOf().append(stream(`s${n % 9}-${n}`), 'no-stream', [
          anEvent({ n }),
          anEvent({ n: n + 0.5 }),
        ]);
        if (n === 0) first = position;
      }
    });

    it('yields all streams in the order they were written, positions ascending, times never going back', async () => {
      const log = await collect(storeOf().readAll({ streams: all }));
      expect(numbersOf(log)).toEqual(range(0, 299).flatMap((n) => [n, n + 0.5]));
      for (const [index, event] of log.entries()) {
        const before = log[index - 1];
        if (before === undefined) continue;
        expect(event.position).toBeGreaterThan(before.position);
        expect(event.recordedAt).toBeGreaterThanOrEqual(before.recordedAt);
      }
    });
    it('goes on behind a position', async () => {
      const log = await collect(storeOf().readAll({ streams: all, after: first }));
      expect(numbersOf(log).slice(0, 2)).toEqual([1, 1.5]);
    });
    it('backwards yields the last first, and goes on in front of a position', async () => {
      const log = await collect(storeOf().readAll({ streams: all, direction: 'backwards' }));
      expect(numbersOf(log).slice(0, 3)).toEqual([299.5, 299, 298.5]);
      expect(log).toHaveLength(600);
      expect(
        numbersOf(await collect(storeOf().readAll({ streams: all, direction: 'backwards', after: first }))),
      ).toEqual([0]);
    });
    it('yields only streams whose names begin with a prefix', async () => {
      const log = await collect(storeOf().readAll({ streams: other.streams }));
      expect(numbersOf(log)).toEqual(range(0, 99).flatMap((n) => [n * 3, n * 3 + 0.5]));
      expect(await collect(storeOf().readAll({ streams: { prefixes: [] } }))).toEqual([]);
    });
    it('takes a prefix as it is written', async () => {
      const { stream, prefix } = ownStreams();
      await storeOf().append(stream('a_b-1'), 'no-stream', [anEvent({ n: 1 })]);
      await storeOf().append(stream('axb-1'), 'no-stream', [anEvent({ n: 2 })]);
      await storeOf().append(stream('a_B-1'), 'no-stream', [anEvent({ n: 3 })]);
      expect(numbersOf(await collect(storeOf().readAll({ streams: { prefixes: [`${prefix}a_b`] } })))).toEqual([1]);
      expect(await collect(storeOf().readAll({ streams: { prefixes: [`${prefix}a%`, `${prefix}*`] } }))).toEqual([]);
    });
    it('gives the text of the data only to who asks, where it keeps one', async () => {
      const one = { streams: other.streams, limit: 1 };
      const [asked] = await collect(storeOf().readAll({ ...one, withText: true }));
      const { dataText, ...event } = asked ?? {};
      expect([event]).toEqual(await collect(storeOf().readAll(one)));
      expect(JSON.parse(dataText ?? JSON.stringify(asked?.data))).toEqual(asked?.data);
    });
    it('stops at the limit, counting what it yields', async () => {
      expect(numbersOf(await collect(storeOf().readAll({ streams: other.streams, limit: 3 })))).toEqual([0, 0.5, 3]);
      expect(
        numbersOf(await collect(storeOf().readAll({ streams: other.streams, limit: 2, direction: 'backwards' }))),
      ).toEqual([297.5, 297]);
    });
  });

  describe('the end of the log and its times', () => {
    it('the head is the position of the last event', async () => {
      const { position } = await storeOf().append(ownStreams().stream(), 'no-stream', events(2));
      expect(await storeOf().head()).toBe(position);
    });

    it('a time resolves to the position behind which everything is younger', async () => {
      const { stream, streams } = ownStreams();
      const before = await storeOf().append(stream(), 'no-stream', [anEvent({ n: 'before' })]);
      await sleep(30);
      const between = Date.now();
      await sleep(30);
      await storeOf().append(stream(), 'no-stream', [anEvent({ n: 'after' })]);
      const position = await storeOf().positionAt(between);
      expect(position).toBe(before.position);
      expect(numbersOf(await collect(storeOf().readAll({ after: position ?? 0n, streams })))).toEqual(['after']);
    });

    it('a time before the log resolves to nothing, a time behind it to the head', async () => {
      await storeOf().append(ownStreams().stream(), 'no-stream', events(1));
      expect(await storeOf().positionAt(0)).toBeNull();
      expect(await storeOf().positionAt(Date.now() + 3_600_000)).toBe(await storeOf().head());
    });
  });
}
