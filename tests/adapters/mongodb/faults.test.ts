import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectMongo } from '../../../src/adapters/mongodb/connection.ts';
import { openMongoCoordination } from '../../../src/adapters/mongodb/coordination.ts';
import { openMongoReadStore } from '../../../src/adapters/mongodb/read-store.ts';
import type { Coordination } from '../../../src/ports/coordination.ts';
import { StoreUnavailable } from '../../../src/ports/event-store.ts';
import { CheckpointMoved, type ReadStore } from '../../../src/ports/read-store.ts';
import { type FaultProxy, openProxy } from './proxy.ts';
import { mongoServer, type TestDatabase, testDatabase } from './server.ts';

const server = mongoServer();
// Through a proxy only one plain server can be reached.
const direct = /^mongodb:\/\/127\.0\.0\.1:(\d+)/.exec(server.url ?? '')?.[1];

const spec = { name: 'things', version: 1, indexes: [] };
const e1 = { position: 1n, eventId: 'e1' };
const e2 = { position: 2n, eventId: 'e2' };
const thing = { id: 'a', n: 1 };

describe.skipIf(direct === undefined)(`MongoDB out of reach (${server.reason})`, () => {
  let proxy: FaultProxy;
  let database: TestDatabase;
  let url: string;
  let store: ReadStore;
  let coordination: Coordination;

  beforeAll(async () => {
    proxy = await openProxy(Number(direct));
    database = testDatabase();
    url = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true&serverSelectionTimeoutMS=1200&heartbeatFrequencyMS=500`;
    const options = { url, database: database.database, deadlineMs: 2_500 };
    store = await openMongoReadStore({ ...options, clock: { now: Date.now } });
    coordination = await openMongoCoordination({ ...options, clock: { monotonicMs: () => performance.now() } });
  });
  afterAll(async () => {
    await store.close();
    await coordination.close();
    await proxy.close();
    await database.drop();
  });
  beforeEach(async () => {
    proxy.heal();
    await answers(async () => {
      await store.drop('things', 1);
      await store.ensure(spec);
    });
  });

  /** What a holder that got no answer does not know. */
  const storedToken = async (resource: string): Promise<bigint> => {
    const mongo = await connectMongo({ url, database: database.database });
    const lease = await mongo.db.collection<{ _id: string; token: bigint }>('leases').findOne({ _id: resource });
    await mongo.close();
    return lease?.token ?? -1n;
  };
  const write = () =>
    store.write({
      projection: 'things',
      version: 1,
      from: null,
      to: e1,
      changes: [{ kind: 'put', document: thing, position: 1n }],
    });

  it('says that nothing was done when no server is there, and goes on by itself when it is back', async () => {
    proxy.refuse();
    await expectUnavailable(write(), 'not-done');
    await expectUnavailable(store.get('things', 'a', 1), 'not-done');
    await expectUnavailable(coordination.acquire('r', 'ann', 1_000), 'not-done');
    proxy.heal();
    await answers(write);
    expect(await store.get('things', 'a')).toEqual(thing);
  });

  it('says of a write whose answer was lost that its outcome is unknown: it may have happened', async () => {
    proxy.loseAnswerTo('eventId');
    await expectUnavailable(write(), 'unknown');
    expect(await store.checkpoint('things', 1)).toEqual(e1);
    await expect(write()).rejects.toThrow(CheckpointMoved);
  });

  it('says the same of a write that never reached the server: nobody can tell', async () => {
    proxy.loseRequest('eventId');
    await expectUnavailable(write(), 'unknown');
    expect(await store.checkpoint('things', 1)).toBeNull();
    await write();
    expect(await store.checkpoint('things', 1)).toEqual(e1);
  });

  it('loses documents of a bulk write with an unknown outcome, and writes them the next time', async () => {
    const changes = Array.from({ length: 50 }, (_, n) => ({
      kind: 'put' as const,
      document: { id: `d${n}` },
      position: 1n,
    }));
    const many = () => store.write({ projection: 'things', version: 1, from: null, to: e1, changes });
    proxy.loseRequest('insert');
    await expectUnavailable(many(), 'unknown');
    await many();
    expect(await store.count('things')).toBe(50);
  });

  it('gives up on a server that hangs: a read was not done, a write has an unknown outcome', async () => {
    await write();
    proxy.hang();
    await expectUnavailable(store.get('things', 'a', 1), 'not-done');
    const next = store.write({ projection: 'things', version: 1, from: e1, to: e2, changes: [] });
    await expectUnavailable(next, 'unknown');
    await expectUnavailable(coordination.beat('scoria-volume@a', 1, {}), 'unknown');
    proxy.heal();
    await answers(() => store.get('things', 'a'));
  });

  it('gives a lease again to a holder that does not know whether it was given, with a token that fences the first', async () => {
    const resource = `r-${database.database}`;
    proxy.loseAnswerTo('beat');
    await expectUnavailable(coordination.acquire(resource, 'ann', 1_000), 'unknown');
    expect(await coordination.acquire(resource, 'bob', 1_000), 'it was given').toBeNull();
    const given = await storedToken(resource);
    const again = await coordination.acquire(resource, 'ann', 1_000);
    expect(again?.token).toBeGreaterThan(given);
    expect(await coordination.renew({ resource, holder: 'ann', token: given })).toBe(false);
  });

  it('cannot be opened without a server', async () => {
    proxy.refuse();
    await expectUnavailable(openMongoReadStore({ url, clock: { now: Date.now } }), 'not-done');
  });
});

it.skipIf(server.url === null)('a refusal of what was asked is no absence of the server', async () => {
  const database = testDatabase();
  const mongo = await connectMongo(database);
  const things = mongo.db.collection<{ _id: string }>('things');
  await mongo.write(() => things.insertOne({ _id: 'a' }));
  const again = mongo.write(() => things.insertOne({ _id: 'a' }));
  await expect(again).rejects.toThrow(/duplicate key/);
  await expect(again).rejects.not.toBeInstanceOf(StoreUnavailable);
  await mongo.close();
  await database.drop();
});

async function expectUnavailable(call: Promise<unknown>, outcome: StoreUnavailable['outcome']): Promise<void> {
  const error = await call.then(
    () => new Error('it answered'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreUnavailable);
  expect((error as StoreUnavailable).outcome, (error as Error).message).toBe(outcome);
}

/** Calls until there is an answer; the driver looks for its server twice a second. */
async function answers<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || attempt === 20) throw error;
    }
  }
}
