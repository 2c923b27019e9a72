import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteReadStore } from '../../src/adapters/sqlite/read-store.ts';
import { readStoreContract } from './read-store.ts';

readStoreContract('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-read-store-'));
  const file = join(directory, 'read.db');
  let store = await openSqliteReadStore({ file });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openSqliteReadStore({ file });
      return store;
    },
    cleanup: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});
