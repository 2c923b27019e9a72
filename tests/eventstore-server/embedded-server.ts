import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import { createEventStoreServer, type EventStoreServerOptions } from '../../src/eventstore-server/server.ts';
import type { EventStore } from '../../src/ports/event-store.ts';

/** The protocol over an embedded store in a directory of its own. */
export interface EmbeddedServer {
  readonly eventStore: EventStore;
  readonly port: number;
  /** For the official client. */
  readonly connectionString: string;
  /** What the server found no answer for; a test that does not expect any says so. */
  readonly faults: unknown[];
  stop(): Promise<void>;
}

export interface EmbeddedServerOptions extends Partial<EventStoreServerOptions> {
  readonly host?: string;
  /** What stands between the server and its store. */
  readonly between?: (eventStore: EventStore) => EventStore;
}

export async function startEmbeddedServer(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-eventstore-server-'));
  const eventStore = await openSqliteEventStore({ file: join(directory, 'events.db') });
  const faults: unknown[] = [];
  const { host = '127.0.0.1', between = (store: EventStore) => store, ...rest } = options;
  const server = createEventStoreServer({
    eventStore: between(eventStore),
    logger: { error: (fields) => faults.push(fields) },
    ...rest,
  });
  const port = await server.listen(host, 0);
  return {
    eventStore,
    port,
    connectionString: `esdb://${host}:${port}?tls=${rest.tls === undefined ? 'false' : 'true'}`,
    faults,
    stop: async () => {
      await server.close();
      await eventStore.close();
      await rm(directory, { recursive: true });
    },
  };
}
