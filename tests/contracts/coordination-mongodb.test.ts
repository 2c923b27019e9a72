import { describe, it } from 'vitest';
import { openMongoCoordination } from '../../src/adapters/mongodb/coordination.ts';
import { mongoServer, testDatabase } from '../adapters/mongodb/server.ts';
import { coordinationContract } from './coordination.ts';

const server = mongoServer();

if (server.url === null) {
  describe.skip(`coordination on MongoDB (${server.reason})`, () => it('skipped', () => undefined));
} else {
  coordinationContract('MongoDB', async (clock) => {
    const { url, database, drop } = testDatabase();
    let store = await openMongoCoordination({ url, database, clock });
    return {
      store,
      reopen: async () => {
        await store.close();
        store = await openMongoCoordination({ url, database, clock });
        return store;
      },
      cleanup: async () => {
        await store.close();
        await drop();
      },
    };
  });
}
