import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMongo, type MongoConnection } from '../../../src/adapters/mongodb/connection.ts';
import { openMongoCoordination } from '../../../src/adapters/mongodb/coordination.ts';
import { openMongoReadStore } from '../../../src/adapters/mongodb/read-store.ts';
import { type Change, type Checkpoint, CheckpointMoved, type ReadStore } from '../../../src/ports/read-store.ts';
import { deletion, put } from '../../contracts/read-store-fixtures.ts';
import { mongoServer, type TestDatabase, testDatabase } from './server.ts';

const server = mongoServer();
const HOUR_MS = 60 * 60 * 1_000;

/** Clients of one database, as in several processes. */
describe.skipIf(server.url === null)(`several processes on MongoDB (${server.reason})`, () => {
  let database: TestDatabase;
  let one: ReadStore;
  let other: ReadStore;
  let mongo: MongoConnection;
  let nowMs = Date.now();

  beforeAll(async () => {
    database = testDatabase();
    const clock = { now: () => nowMs };
    one = await openMongoReadStore({ ...database, clock });
    other = await openMongoReadStore({ ...database, clock });
    mongo = await connectMongo(database);
  });
  afterAll(async () => {
    await one.close();
    await other.close();
    await mongo.close();
    await database.drop();
  });

  const aCollection = async (): Promise<string> => {
    const name = `c${randomUUID()}`;
    await one.ensure({ name, version: 1, indexes: [] });
    return name;
  };
  const at = (position: number): Checkpoint => ({ position: BigInt(position), eventId: `e${position}` });
  const write = (store: ReadStore, name: string, from: number | null, to: number, ...changes: readonly Change[]) =>
    store.write({ projection: name, version: 1, from: from === null ? null : at(from), to: at(to), changes });

  describe('a writer that slept', () => {
    it('is refused when it goes on, and undoes nothing of what its successor wrote', async () => {
      const name = await aCollection();
      await write(one, name, null, 10, put({ id: 'a', n: 10 }, 10), put({ id: 'b', n: 9 }, 9), put({ id: 'c' }, 8));
      await write(other, name, 10, 20, put({ id: 'a', n: 20 }, 20), deletion('c', 15));
      const late = write(
        one,
        name,
        10,
        14,
        put({ id: 'a', n: 14 }, 14),
        put({ id: 'c', revived: true }, 13),
        put({ id: 'd' }, 12),
      );
      await expect(late).rejects.toThrow(CheckpointMoved);
      expect(await other.checkpoint(name, 1)).toEqual(at(20));
      expect(await other.get(name, 'a')).toEqual({ id: 'a', n: 20 });
      expect(await other.get(name, 'b')).toEqual({ id: 'b', n: 9 });
      expect(await other.get(name, 'c')).toBeNull();
    });

    it('is refused also the next time, with nothing written', async () => {
      const name = await aCollection();
      await write(one, name, null, 1);
      await write(other, name, 1, 2);
      await expect(write(one, name, 1, 3)).rejects.toThrow(CheckpointMoved);
      await expect(write(one, name, 1, 3, put({ id: 'x' }, 3))).rejects.toThrow(CheckpointMoved);
      expect(await one.get(name, 'x')).toBeNull();
    });
  });

  it('what is read to be gone on with has its positions, deleted documents included', async () => {
    const name = await aCollection();
    await write(one, name, null, 5, put({ id: 'a', n: 1 }, 3), deletion('b', 5));
    const found = (await other.getManyAt?.(name, ['a', 'b', 'never'], 1)) ?? [];
    expect(new Map(found.map(({ id, ...rest }) => [id, rest]))).toEqual(
      new Map([
        ['a', { document: { id: 'a', n: 1 }, position: 3n }],
        ['b', { document: null, position: 5n }],
      ]),
    );
  });

  it('a version that another process has replaced and dropped is not taken for an empty one', async () => {
    const name = await aCollection();
    await write(one, name, null, 1, put({ id: 'a', n: 1 }));
    expect(await other.get(name, 'a')).toEqual({ id: 'a', n: 1 });
    await one.ensure({ name, version: 2, indexes: [] });
    await one.write({ projection: name, version: 2, from: null, to: at(1), changes: [put({ id: 'a', n: 2 })] });
    await one.switchTo(name, 2);
    await one.drop(name, 1);
    expect(await other.get(name, 'a')).toEqual({ id: 'a', n: 2 });
    expect(await other.count(name)).toBe(1);
    expect(await other.find(name, {})).toEqual([{ id: 'a', n: 2 }]);
    expect(await other.sum(name, 'n')).toBe(2);
  });

  it('a version whose dropping was cut short cannot be gone on with', async () => {
    const name = await aCollection();
    await write(one, name, null, 1, put({ id: 'a' }));
    await one.ensure({ name, version: 2, indexes: [] });
    await one.write({ projection: name, version: 2, from: null, to: at(1), changes: [put({ id: 'a' })] });
    // as far as the first step of a drop
    await mongo.db
      .collection<{ _id: string }>('collectionVersions')
      .updateOne({ _id: `${name}@2` }, { $unset: { position: '', eventId: '' } });
    expect(await other.checkpoint(name, 2)).toBeNull();
    await other.drop(name, 2);
    expect(await other.versions(name)).toEqual([{ version: 1, live: true }]);
  });

  it('a tombstone is kept for a day, and purged after it', async () => {
    const name = await aCollection();
    const tombstones = () => mongo.db.collection(`${name}@1`).countDocuments({ live: false });
    await write(one, name, null, 5, put({ id: 'a' }, 1), deletion('a', 5));
    nowMs += 23 * HOUR_MS;
    await write(one, name, 5, 6, put({ id: 'a', late: true }, 4));
    expect(await one.get(name, 'a'), 'deleted at 5, so not made at 4').toBeNull();
    expect(await tombstones()).toBe(1);
    nowMs += 2 * HOUR_MS;
    await write(one, name, 6, 7);
    expect(await tombstones()).toBe(0);
  });

  it('a lease goes to one of the processes that ask at once, and its token only grows', async () => {
    let monotonicMs = 0;
    const clock = { monotonicMs: () => monotonicMs };
    const processes = await Promise.all([1, 2, 3].map(() => openMongoCoordination({ ...database, clock })));
    let last = 0n;
    for (let round = 0; round < 15; round += 1) {
      const asked = await Promise.all(processes.map((process, n) => process.acquire('backend', `p${n}-${round}`, 100)));
      const given = asked.filter((lease) => lease !== null);
      // nobody in the rounds in which the challengers begin to watch the last holder
      expect(given.length).toBeLessThanOrEqual(1);
      for (const { token } of given) {
        expect(token).toBeGreaterThan(last);
        last = token;
      }
      monotonicMs += 60;
      if (round % 3 === 2) await processes[0]?.releaseAll();
    }
    expect(last).toBeGreaterThanOrEqual(5n);
    for (const process of processes) await process.close();
  });
});
