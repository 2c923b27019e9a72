import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEventStoreDb } from '../../../src/adapters/eventstoredb/event-store.ts';
import type { EventStore } from '../../../src/ports/event-store.ts';
import {
  anEvent,
  collect,
  deliveriesUntil,
  events,
  eventsOf,
  numbersOf,
  ownStreams,
} from '../../contracts/event-store-fixtures.ts';
import { type FaultProxy, openProxy } from '../mongodb/proxy.ts';
import { SHORT } from './cluster-fixture.ts';
import { startProtocolServer, type TestServer } from './server.ts';

/** A machine that is stopped or cut off: connections stay, and nothing comes over them. */
describe('an EventStoreDB that hangs', () => {
  let server: TestServer;
  let proxy: FaultProxy;
  let store: EventStore;
  const own = ownStreams();

  beforeAll(async () => {
    server = await startProtocolServer();
    proxy = await openProxy(server.port);
    const connectionString = `esdb://127.0.0.1:${proxy.port}?tls=false&keepAliveInterval=400&keepAliveTimeout=400`;
    store = await openEventStoreDb({ connectionString, limits: { ...SHORT, readPatienceMs: 1_500 } });
  });
  afterAll(async () => {
    await store.close();
    await proxy.close();
    await server.stop();
  });

  it('is noticed by a subscription, which goes on when it answers again', async () => {
    const stop = new AbortController();
    const name = own.stream();
    await store.append(name, 'no-stream', [anEvent({ n: 0 })]);
    const deliveries = deliveriesUntil(
      store.subscribe({ after: null, streams: own.streams, signal: stop.signal }),
      (seen) => eventsOf(seen).length === 2,
    );
    await sleep(300);
    proxy.hang();
    const reading = collect(store.readStream(name));
    await expect(reading).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'not-done' });
    proxy.heal();
    await store.append(name, 0n, [anEvent({ n: 1 })]);
    expect(numbersOf(eventsOf(await deliveries))).toEqual([0, 1]);
    stop.abort();
  });

  it('gets an append again, and stores it once', async () => {
    const name = own.stream();
    proxy.hang();
    const appending = store.append(name, 'no-stream', events(2));
    await sleep(1_200);
    proxy.heal();
    expect((await appending).revision).toBe(1n);
    expect(await collect(store.readStream(name))).toHaveLength(2);
  });
});
