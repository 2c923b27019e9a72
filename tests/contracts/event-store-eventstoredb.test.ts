import { openEventStoreDb } from '../../src/adapters/eventstoredb/event-store.ts';
import { startPlantedCluster } from '../adapters/eventstoredb/planted-node.ts';
import { namedServer, startProtocolServer } from '../adapters/eventstoredb/server.ts';
import { eventStoreContract, type OpenedEventStore } from './event-store.ts';

async function opened(connectionString: string, stop: () => Promise<void>): Promise<OpenedEventStore> {
  let store = await openEventStoreDb({ connectionString });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openEventStoreDb({ connectionString });
      return store;
    },
    cleanup: async () => {
      await store.close();
      await stop();
    },
  };
}

eventStoreContract('EventStoreDB (the protocol server over SQLite)', async () => {
  const server = await startProtocolServer();
  return opened(server.connectionString, server.stop);
});

eventStoreContract('EventStoreDB (the same, with positions as far apart as in a real log)', async () => {
  const server = await startProtocolServer();
  const cluster = await startPlantedCluster(server.port, 1, 128n);
  return opened(`esdb://127.0.0.1:${cluster.nodes[0]?.port}?tls=false`, async () => {
    cluster.stop();
    await server.stop();
  });
});

if (namedServer === '') {
  console.log(
    'EventStoreDB: SCORIA_TEST_EVENTSTOREDB names no real server; the protocol server of this project is used',
  );
} else {
  eventStoreContract('EventStoreDB (the server named by SCORIA_TEST_EVENTSTOREDB)', () =>
    opened(namedServer, async () => undefined),
  );
}
