import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { eventStoreContract } from './event-store.ts';

eventStoreContract('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-event-store-'));
  const file = join(directory, 'events.db');
  let store: EventStore = await openSqliteEventStore({ file });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openSqliteEventStore({ file });
      return store;
    },
    cleanup: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});
