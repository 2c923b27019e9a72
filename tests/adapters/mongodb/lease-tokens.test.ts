import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMongo, type MongoConnection } from '../../../src/adapters/mongodb/connection.ts';
import { openMongoCoordination } from '../../../src/adapters/mongodb/coordination.ts';
import { openSqliteCoordination } from '../../../src/adapters/sqlite/coordination.ts';
import { startWriterThread } from '../../../src/adapters/sqlite/writer.ts';
import type { Coordination } from '../../../src/ports/coordination.ts';
import { mongoServer, type TestDatabase, testDatabase } from './server.ts';

const server = mongoServer();
const clock = { monotonicMs: () => performance.now() };

/** Backends remember the last token they saw, whatever store gave it, and refuse every lower one. */
describe.skipIf(server.url === null)(`the tokens of leases in MongoDB (${server.reason})`, () => {
  let database: TestDatabase;
  let coordination: Coordination;
  let mongo: MongoConnection;

  beforeAll(async () => {
    database = testDatabase();
    coordination = await openMongoCoordination({ ...database, clock });
    mongo = await connectMongo(database);
  });
  afterAll(async () => {
    await mongo.close();
    await coordination.close();
    await database.drop();
  });

  const tokenOf = async (store: Coordination, resource: string, holder: string): Promise<bigint> => {
    const lease = await store.acquire(resource, holder, 60_000);
    if (lease === null) throw new Error(`${holder} does not get ${resource}`);
    return lease.token;
  };
  const storedLease = async (resource: string, token: bigint): Promise<void> => {
    const leases = mongo.db.collection<{ _id: string; holder: string | null; token: bigint; beat: number }>('leases');
    await leases.insertOne({ _id: resource, holder: null, token, beat: 1 });
  };

  it('are, in a new database, higher than all that an embedded store gave before', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'scoria-lease-tokens-'));
    const writer = startWriterThread();
    const embedded = await openSqliteCoordination({ file: join(directory, 'coordination.db'), clock, writer });
    let last = 0n;
    // a holder that asks again gets a new token
    for (let n = 0; n < 5; n += 1) last = await tokenOf(embedded, 'backend-moved', 'ann');
    await embedded.close();
    await writer.close();
    rmSync(directory, { recursive: true });
    expect(await tokenOf(coordination, 'backend-moved', 'ann')).toBeGreaterThan(last);
  });

  it('are, where a lease comes from an older copy, higher than those that were given since', async () => {
    const given = await tokenOf(coordination, 'backend-restored', 'ann');
    await mongo.db.collection<{ _id: string }>('leases').deleteOne({ _id: 'backend-restored' });
    await storedLease('backend-restored', given - 86_400_000n);
    // within one millisecond it would be the same, not a lower one
    while (BigInt(Date.now()) <= given) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(await tokenOf(coordination, 'backend-restored', 'bob')).toBeGreaterThan(given);
  });

  it('go on growing where the clock is behind the last of them', async () => {
    const ahead = BigInt(Date.now()) + 3_600_000n;
    await storedLease('backend-ahead', ahead);
    expect(await tokenOf(coordination, 'backend-ahead', 'ann')).toBe(ahead + 1n);
    expect(await tokenOf(coordination, 'backend-ahead', 'ann')).toBe(ahead + 2n);
  });
});
