import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery, EventStore } from '../../../src/ports/event-store.ts';
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
} from '../../contracts/event-store-fixtures.ts';
import { type ClusterFixture, startCluster } from './cluster-fixture.ts';

describe('a subscription to EventStoreDB', () => {
  let fixture: ClusterFixture;
  let store: EventStore;
  let stop: AbortController;
  const own = ownStreams();

  beforeEach(async () => {
    fixture = await startCluster({ stretch: 10n });
    store = fixture.store;
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await fixture.stop();
    expect(fixture.uncaught).toEqual([]);
  });

  const subscribe = (after: bigint | null = null) =>
    store.subscribe({ after, streams: own.streams, signal: stop.signal });
  const untilCaughtUp = (after: bigint | null = null): Promise<Delivery[]> =>
    deliveriesUntil(subscribe(after), caughtUp);

  it('goes on behind the last event that was taken when its call breaks, however often', async () => {
    await store.append(own.stream(), 'no-stream', events(120));
    fixture.node.plantReads({ breaksAfter: 1 }, { breaksAfter: 17 }, { breaksAfter: 1 }, { breaksAfter: 60 });
    // every subscription first asks where the log ends, so every other fault meets the subscription itself
    expect(numbersOf(eventsOf(await untilCaughtUp()))).toEqual(range(0, 119));
    expect(fixture.node.subscribedFrom.length).toBeGreaterThan(2);
  });

  it('delivers what waits in the client when its call breaks, each event once, before it says anything of positions behind', async () => {
    await store.append(own.stream(), 'no-stream', events(200));
    await store.append(ownStreams().stream(), 'no-stream', events(1_500));
    const taken: bigint[] = [];
    for await (const delivery of subscribe()) {
      if (delivery.kind === 'caught-up') break;
      taken.push(delivery.event.position);
      if (taken.length === 3) {
        // by now all 200 wait in the client, with a checkpoint behind them
        await sleep(300);
        fixture.node.die();
        await fixture.node.revive();
        await sleep(100);
      }
    }
    expect(taken).toHaveLength(200);
    expect(new Set(taken).size).toBe(200);
  });

  it('says that it has caught up only when everything was taken', async () => {
    await store.append(own.stream(), 'no-stream', events(150));
    const kinds: string[] = [];
    for await (const delivery of subscribe()) {
      kinds.push(delivery.kind);
      if (delivery.kind === 'caught-up') break;
      if (kinds.length < 5) await sleep(30);
    }
    expect(kinds.indexOf('caught-up')).toBe(150);
  });

  it('passes nothing over where the server says too early that it has caught up', async () => {
    const { position: end } = await store.append(own.stream(), 'no-stream', events(5));
    // the search for the end is let through
    fixture.node.plantReads({ breaksAfter: 99 }, { caughtUpAfter: 3 });
    const deliveries = await deliveriesUntil(subscribe(), caughtUp);
    expect(numbersOf(eventsOf(deliveries))).toEqual(range(0, 4));
    expect(deliveries.at(-1)).toEqual({ kind: 'caught-up', position: end });
  });

  it('moves on over what it does not want, and begins there again', async () => {
    const { position: end } = await store.append(ownStreams().stream(), 'no-stream', events(2_500));
    const deliveries = deliveriesUntil(subscribe(), (seen) => eventsOf(seen).length === 1 && caughtUp(seen));
    await expect.poll(() => fixture.node.subscribedFrom.length).toBe(1);
    await sleep(300);
    fixture.node.die();
    await fixture.node.revive();
    await store.append(own.stream(), 'no-stream', [anEvent({ n: 'wanted' })]);
    expect(numbersOf(eventsOf(await deliveries))).toEqual(['wanted']);
    expect(fixture.node.subscribedFrom[1]).toBe(end);
  });

  it('that is not confirmed is tried again with another client', async () => {
    await store.append(own.stream(), 'no-stream', events(3));
    const deliveries: Delivery[] = [];
    for await (const delivery of subscribe()) {
      deliveries.push(delivery);
      if (delivery.kind === 'caught-up' && eventsOf(deliveries).length === 3)
        fixture.node.plantReads({ breaksAfter: 0 });
      if (eventsOf(deliveries).length === 4 && delivery.kind === 'caught-up') break;
      if (eventsOf(deliveries).length === 3 && delivery.kind === 'caught-up') {
        // the search for the end is let through; the subscription that follows hangs
        fixture.node.plantReads({ breaksAfter: 1 }, 'silent');
        fixture.node.die();
        await fixture.node.revive();
        void store.append(own.stream(), 'no-stream', [anEvent({ n: 3 })]);
      }
    }
    expect(numbersOf(eventsOf(deliveries))).toEqual([0, 1, 2, 3]);
  });

  it('outlives a server that is away for a while, and misses nothing', async () => {
    const name = own.stream();
    await store.append(name, 'no-stream', events(2));
    const deliveries = deliveriesUntil(subscribe(), (seen) => eventsOf(seen).length === 4);
    await sleep(200);
    fixture.node.die();
    await sleep(600);
    await fixture.node.revive();
    await store.append(name, 1n, events(2));
    expect(numbersOf(eventsOf(await deliveries))).toEqual([0, 1, 0, 1]);
  });

  it('ends without an error when it is aborted while no server is there', async () => {
    fixture.node.die();
    setTimeout(() => stop.abort(), 300);
    expect(eventsOf(await collect(subscribe()))).toEqual([]);
  });

  it('ends its call when it is left', async () => {
    await store.append(own.stream(), 'no-stream', events(3));
    await untilCaughtUp();
    await expect.poll(() => fixture.node.openReads()).toBe(0);
  });

  it('to nothing delivers nothing, and tells how far it has seen', async () => {
    const { position } = await store.append(own.stream(), 'no-stream', events(3));
    const [first] = await deliveriesUntil(
      store.subscribe({ after: null, streams: { prefixes: [] }, signal: stop.signal }),
      caughtUp,
    );
    expect(first).toEqual({ kind: 'caught-up', position });
  });

  it('to an empty log says so', async () => {
    const [first] = await untilCaughtUp();
    expect(first).toEqual({ kind: 'caught-up', position: null });
  });
});
