import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEventStoreDb } from '../../src/adapters/eventstoredb/event-store.ts';
import { createEventStoreServer, type EventStoreServer } from '../../src/eventstore-server/server.ts';
import { compareCopy, copyLog } from '../../src/log-copy/copy-log.ts';
import { storeSource } from '../../src/log-copy/log-source.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { anEmbeddedLog, contentOf, fill, type TestLog } from '../log-copy/logs.ts';

const EVENTS = 400;

describe('a log that moves through the protocol server', () => {
  let logs: readonly [source: TestLog, served: TestLog, copied: TestLog];
  let server: EventStoreServer;
  let client: EventStore;

  beforeEach(async () => {
    logs = [await anEmbeddedLog(), await anEmbeddedLog(), await anEmbeddedLog()];
    server = createEventStoreServer({ eventStore: logs[1].store, logger: { error: console.error } });
    const port = await server.listen('127.0.0.1', 0);
    client = await openEventStoreDb({ connectionString: `esdb://127.0.0.1:${port}?tls=false` });
  });

  afterEach(async () => {
    await client.close();
    await server.close();
    for (const log of logs) await log.stop();
  });

  it('given an embedded log, is the same in the server and in the embedded log that it comes back to', async () => {
    const [source, served, copied] = logs;
    await fill(source.store, EVENTS);
    const there = await copyLog(storeSource(source.store), client, { keepsForeign: false, inFlight: 1 });
    expect(there).toEqual({ events: EVENTS, present: 0, copied: EVENTS });
    const back = await copyLog(storeSource(client), copied.store, { keepsForeign: false, inFlight: 64 });
    expect(back).toEqual({ events: EVENTS, present: 0, copied: EVENTS });
    const content = await contentOf(source.store);
    expect(await contentOf(served.store)).toEqual(content);
    expect(await contentOf(copied.store)).toEqual(content);
    expect(await compareCopy(storeSource(source.store), client, EVENTS)).toEqual({ same: EVENTS, parting: null });
  });
});
