import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventStore } from '../../../src/ports/event-store.ts';
import { isInLog } from '../../../src/projections/versions.ts';
import { collect, events, numbersOf, ownStreams, range } from '../../contracts/event-store-fixtures.ts';
import { type ClusterFixture, SHORT, startCluster } from './cluster-fixture.ts';
import type { ReadFault } from './planted-node.ts';

describe('a read from EventStoreDB', () => {
  let fixture: ClusterFixture;
  let store: EventStore;
  const own = ownStreams();

  beforeEach(async () => {
    fixture = await startCluster({ stretch: 128n });
    store = fixture.store;
  });
  afterEach(async () => {
    await fixture.stop();
    expect(fixture.uncaught).toEqual([]);
  });

  it.each<[string, ReadFault]>([
    ['before its first event', { breaksAfter: 0 }],
    ['in the middle', { breaksAfter: 137 }],
    ['by a server that is not ready', 'not-ready'],
    ['by a connection that breaks', 'unavailable'],
    ['by a server that hangs', 'silent'],
  ])('that is broken %s goes on where it was, with every event once', async (_, fault) => {
    const name = own.stream();
    await store.append(name, 'no-stream', events(300));
    const again: ReadFault[] = [fault, { breaksAfter: 5 }];
    fixture.node.plantReads(...again);
    expect(numbersOf(await collect(store.readStream(name)))).toEqual(range(0, 299));
    fixture.node.plantReads(...again);
    expect(numbersOf(await collect(store.readStream(name, { direction: 'backwards', limit: 290 })))).toEqual(
      range(10, 299).reverse(),
    );
    fixture.node.plantReads(...again);
    expect(numbersOf(await collect(store.readAll()))).toEqual(range(0, 299));
    fixture.node.plantReads(...again);
    expect(numbersOf(await collect(store.readAll({ direction: 'backwards', limit: 250 })))).toEqual(
      range(50, 299).reverse(),
    );
  });

  it('that no server answers is not available', async () => {
    const hasty = await fixture.open('', { ...SHORT, readPatienceMs: 300 });
    fixture.node.die();
    await expect(collect(hasty.readStream(own.stream()))).rejects.toMatchObject({
      name: 'StoreUnavailable',
      outcome: 'not-done',
    });
    await expect(collect(hasty.readAll())).rejects.toMatchObject({ name: 'StoreUnavailable' });
    await expect(hasty.head()).rejects.toMatchObject({ name: 'StoreUnavailable' });
  });

  it('that its reader leaves early ends the call', async () => {
    const name = own.stream();
    await store.append(name, 'no-stream', events(2_000));
    for await (const event of store.readStream(name)) if (event.revision === 3n) break;
    for await (const event of store.readAll()) if (event.revision === 3n) break;
    await expect.poll(() => fixture.node.openReads()).toBe(0);
  });

  it('that its reader takes a long time over is not given up', async () => {
    const name = own.stream();
    await store.append(name, 'no-stream', events(3));
    const seen: bigint[] = [];
    for await (const event of store.readStream(name)) {
      seen.push(event.revision);
      if (event.revision === 1n) await sleep(1_000);
    }
    expect(seen).toEqual([0n, 1n, 2n]);
  });

  describe('of a log with gaps, where the server takes only positions at which something is', () => {
    it('starts behind any position, in both directions', async () => {
      await store.append(own.stream(), 'no-stream', events(6));
      const positions = (await collect(store.readAll())).map(({ position }) => position);
      expect(positions.every((position) => position % 128n === 0n)).toBe(true);
      const last = positions.at(-1) ?? 0n;
      for (const after of [-1n, 0n, 1n, ...positions.flatMap((p) => [p - 1n, p, p + 1n, p + 60n]), last + 10_000n]) {
        const forwards = await collect(store.readAll({ after }));
        expect(
          forwards.map(({ position }) => position),
          `behind ${after}`,
        ).toEqual(positions.filter((p) => p > after));
        if (after < 0n) continue;
        const backwards = await collect(store.readAll({ after, direction: 'backwards' }));
        expect(
          backwards.map(({ position }) => position),
          `in front of ${after}`,
        ).toEqual(positions.filter((p) => p < after).reverse());
      }
    });

    it('finds the event of a checkpoint, and that another log has another there or none', async () => {
      await store.append(own.stream(), 'no-stream', events(4));
      for (const { position, id } of await collect(store.readAll())) {
        expect(await isInLog(store, { position, eventId: id })).toBe(true);
        expect(await isInLog(store, { position, eventId: 'another' })).toBe(false);
        expect(await isInLog(store, { position: position + 5n, eventId: id })).toBe(false);
      }
      expect(await isInLog(store, { position: 1_000_000n, eventId: 'e' })).toBe(false);
    });

    it('subscribes behind any position', async () => {
      await store.append(own.stream(), 'no-stream', events(6));
      const positions = (await collect(store.readAll())).map(({ position }) => position);
      for (const after of [0n, 1n, ...positions.flatMap((p) => [p - 1n, p, p + 1n])]) {
        const seen: bigint[] = [];
        for await (const delivery of store.subscribe({ after, signal: new AbortController().signal })) {
          if (delivery.kind === 'caught-up') break;
          seen.push(delivery.event.position);
        }
        expect(seen, `behind ${after}`).toEqual(positions.filter((p) => p > after));
      }
    });
  });
});
