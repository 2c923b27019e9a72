import type { Clock } from '../../ports/clock.ts';
import type { Coordination, Lease, OpenWork } from '../../ports/coordination.ts';
import { connectMongo, type MongoOptions } from './connection.ts';
import { isDuplicateKey } from './faults.ts';

export interface MongoCoordinationOptions extends MongoOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** A lease stays when it is released: its token must never start again. `beat` only has to change. */
interface StoredLease {
  readonly _id: string;
  readonly holder: string | null;
  readonly token: bigint;
  readonly beat: number;
}

interface StoredHeartbeat {
  readonly _id: string;
  readonly beat: number;
  readonly at: number;
  /** JSON: nothing is looked for in it, and its keys may be any. */
  readonly report: string;
}

interface StoredWork {
  readonly _id: string;
  readonly kind: OpenWork['kind'];
  readonly id: string;
  readonly dueAt: number;
  readonly data: string;
}

interface StoredFeed {
  readonly _id: string;
  readonly position: bigint;
  readonly eventId: string;
}

/** A lease as a challenger saw it, and since when it has not changed. */
interface Watch {
  readonly token: bigint;
  readonly beat: number;
  readonly sinceMs: number;
}

/**
 * Tokens follow the time in ms, as the embedded store's do: also where the leases were lost, or come from an older copy or
 * another store, no token comes twice, and backends that remember the last one take the new holder.
 */
const tokenOfNow = (): bigint => BigInt(Date.now());

const later = (one: bigint, other: bigint): bigint => (one > other ? one : other);

const workId = (kind: OpenWork['kind'], id: string): string => `${kind}/${id}`;

/**
 * Leases, heartbeats and unfinished work in MongoDB. Every step of a lease is a compare and set of one document, written
 * and read with majority: a token that was handed out survives a change of primary. Throws StoreUnavailable.
 */
export async function openMongoCoordination(options: MongoCoordinationOptions): Promise<Coordination> {
  const { clock } = options;
  const mongo = await connectMongo(options);
  const leases = mongo.db.collection<StoredLease>('leases');
  const beats = mongo.db.collection<StoredHeartbeat>('heartbeats');
  const work = mongo.db.collection<StoredWork>('openWork');
  const feeds = mongo.db.collection<StoredFeed>('feeds');
  const watches = new Map<string, Watch>();
  await mongo
    .write(() => work.createIndexes([{ key: { kind: 1, dueAt: 1, id: 1 } }]), { deadlineMs: null })
    .catch(async (error) => {
      await mongo.close();
      throw error;
    });

  const takeFirst = async (resource: string, holder: string): Promise<Lease | null> => {
    try {
      const token = tokenOfNow();
      await mongo.write(() => leases.insertOne({ _id: resource, holder, token, beat: 1 }));
      return { resource, holder, token };
    } catch (error) {
      if (isDuplicateKey(error)) return null;
      throw error;
    }
  };

  /** Takes the lease if it is still as the challenger saw it. */
  const take = async (seen: StoredLease, holder: string): Promise<Lease | null> => {
    const token = later(seen.token + 1n, tokenOfNow());
    const { matchedCount } = await mongo.write(() =>
      leases.updateOne({ ...seen }, { $set: { holder, token, beat: seen.beat + 1 } }),
    );
    return matchedCount === 0 ? null : { resource: seen._id, holder, token };
  };

  const beat = (service: string, at: number, report: string): Promise<unknown> =>
    mongo.write(() => beats.updateOne({ _id: service }, { $inc: { beat: 1 }, $set: { at, report } }, { upsert: true }));

  return {
    acquire: async (resource, holder, termMs) => {
      const seen = await mongo.read(() => leases.findOne({ _id: resource }));
      const watchKey = JSON.stringify([resource, holder]);
      // A holder that asks again gets a new token: its calls of before, perhaps of a process that died, are fenced off.
      if (seen === null || seen.holder === null || seen.holder === holder) {
        watches.delete(watchKey);
        return seen === null ? takeFirst(resource, holder) : take(seen, holder);
      }
      const { token, beat: lastBeat } = seen;
      const watch = watches.get(watchKey);
      const nowMs = clock.monotonicMs();
      if (watch === undefined || watch.token !== token || watch.beat !== lastBeat) {
        watches.set(watchKey, { token, beat: lastBeat, sinceMs: nowMs });
        return null;
      }
      if (nowMs - watch.sinceMs < termMs) return null;
      watches.delete(watchKey);
      return take(seen, holder);
    },
    renew: async ({ resource, holder, token }) => {
      const renewed = await mongo.write(() =>
        leases.updateOne({ _id: resource, holder, token }, { $inc: { beat: 1 } }),
      );
      return renewed.matchedCount === 1;
    },
    release: async ({ resource, holder, token }) => {
      await mongo.write(() => leases.updateOne({ _id: resource, holder, token }, { $set: { holder: null } }));
    },
    releaseAll: async () => {
      await mongo.write(() => leases.updateMany({}, { $set: { holder: null } }));
    },
    beat: async (service, at, report) => {
      const text = JSON.stringify(report);
      try {
        await beat(service, at, text);
      } catch (error) {
        // Two first beats at once: the second finds what the first has made.
        if (!isDuplicateKey(error)) throw error;
        await beat(service, at, text);
      }
    },
    heartbeats: async () => {
      const stored = await mongo.read(() => beats.find({}, { sort: { _id: 1 } }).toArray());
      return stored.map(({ _id, beat: count, at, report }) => ({
        service: _id,
        beat: Number(count),
        at: Number(at),
        report: JSON.parse(report),
      }));
    },
    forget: async (service) => {
      await mongo.write(() => beats.deleteOne({ _id: service }));
    },
    putWork: async (put) => {
      if (put.length === 0) return;
      const operations = put.map(({ kind, id, dueAt, data }) => ({
        replaceOne: {
          filter: { _id: workId(kind, id) },
          replacement: { kind, id, dueAt, data: JSON.stringify(data) },
          upsert: true,
        },
      }));
      await mongo.write(() => work.bulkWrite(operations, { ordered: true }));
    },
    removeWork: async (kind, ids) => {
      if (ids.length === 0) return;
      await mongo.write(() => work.deleteMany({ _id: { $in: ids.map((id) => workId(kind, id)) } }));
    },
    listWork: async (kind) => {
      const stored = await mongo.read(() => work.find({ kind }, { sort: { dueAt: 1, id: 1 } }).toArray());
      return stored.map(({ id, dueAt, data }) => ({ kind, id, dueAt: Number(dueAt), data: JSON.parse(data) }));
    },
    feedCheckpoint: async (feed) => {
      const stored = await mongo.read(() => feeds.findOne({ _id: feed }));
      return stored === null ? null : { position: stored.position, eventId: stored.eventId };
    },
    saveFeedCheckpoint: async (feed, { position, eventId }) => {
      await mongo.write(() => feeds.replaceOne({ _id: feed }, { position, eventId }, { upsert: true }));
    },
    close: mongo.close,
  };
}
