import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteCoordination } from '../../src/adapters/sqlite/coordination.ts';
import { coordinationContract } from './coordination.ts';

coordinationContract('SQLite', async (clock) => {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-coordination-'));
  const file = join(directory, 'coordination.db');
  let store = await openSqliteCoordination({ file, clock });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openSqliteCoordination({ file, clock });
      return store;
    },
    cleanup: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});
