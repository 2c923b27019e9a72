import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteEventStore } from '../../../src/adapters/sqlite/event-store.ts';
import { createEventStoreServer, type EventStoreServerOptions } from '../../../src/eventstore-server/server.ts';

export interface TestServer {
  readonly connectionString: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** A real server where one is named. */
export const namedServer = process.env.SCORIA_TEST_EVENTSTOREDB ?? '';

/** The project's own protocol server over an embedded store of its own. */
export async function startProtocolServer(
  options: Pick<EventStoreServerOptions, 'tls' | 'credentials'> = {},
): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-eventstoredb-'));
  const eventStore = await openSqliteEventStore({ file: join(directory, 'events.db') });
  const server = createEventStoreServer({
    ...options,
    eventStore,
    logger: { error: (fields, message) => console.error(message, fields) },
  });
  const port = await server.listen('127.0.0.1', 0);
  return {
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    port,
    stop: async () => {
      await server.close();
      await eventStore.close();
      await rm(directory, { recursive: true });
    },
  };
}
