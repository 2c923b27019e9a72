import { describe, it } from 'vitest';
import { openMongoReadStore } from '../../src/adapters/mongodb/read-store.ts';
import { mongoServer, testDatabase } from '../adapters/mongodb/server.ts';
import { readStoreContract } from './read-store.ts';

const server = mongoServer();

if (server.url === null) {
  describe.skip(`read store on MongoDB (${server.reason})`, () => it('skipped', () => undefined));
} else {
  readStoreContract(
    'MongoDB',
    async () => {
      const { url, database, drop } = testDatabase();
      const open = () => openMongoReadStore({ url, database, clock: { now: Date.now } });
      let store = await open();
      return {
        store,
        reopen: async () => {
          await store.close();
          store = await open();
          return store;
        },
        cleanup: async () => {
          await store.close();
          await drop();
        },
      };
    },
    // The stand-in, written in Java, compares text by UTF-16 units; MongoDB by code points.
    server.standIn ? { textBeyondBmp: false, propertyRuns: 40 } : {},
  );
}
